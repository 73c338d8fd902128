// A picture from the camera, put into the form of uploads as if it had been chosen.

const opener = document.querySelector("[data-webcam]");
const dialog = document.querySelector("dialog.camera");
const video = dialog.querySelector("video");

offer();
opener.addEventListener("click", open);
dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
dialog.querySelector("[data-snap]").addEventListener("click", snap);
dialog.addEventListener("close", stop);

async function offer() {
  const known = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  opener.hidden = !known.some((device) => device.kind === "videoinput");
}

async function open() {
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    dialog.showModal();
  } catch {
    const place = document.querySelector("form.drop .trouble");
    place.textContent = "The browser may not use the camera. Allow it for this page, or choose a picture.";
    place.hidden = false;
  }
}

function snap() {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext("2d").drawImage(video, 0, 0);
  canvas.toBlob(send, "image/jpeg", 0.92);
}

function send(blob) {
  const held = new DataTransfer();
  held.items.add(new File([blob], "camera.jpg", { type: "image/jpeg" }));
  const field = document.querySelector("form.drop input[type=file]");
  field.files = held.files;
  dialog.close();
  field.form.requestSubmit();
}

function stop() {
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
  video.srcObject = null;
}
