// What was dropped, chosen or pasted: files with their paths, sorted into pictures, tables, lists and others; and the
// ids of pictures.

const PICTURES =
  /\.(jpe?g|jpe|jfif|png|gif|webp|bmp|tiff?|heic|heif|avif|jxl|ico|tga|p[pgbn]m|dng|cr2|cr3|nef|arw|raf|orf|rw2|dcm)$/i;
const TABLES = { ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".csv": "csv", ".parquet": "parquet" };

/** Return [{file, path}] of a file field. */
export function chosen(field) {
  return [...field.files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

/** Return [{file, path}] of a drop, folders walked; its entries must be asked for before anything is waited for. */
export async function dropped(transfer) {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const held = items.map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile()).filter(Boolean);
  const found = await Promise.all(held.map((one) => (one instanceof File ? [{ file: one, path: one.name }] : walked(one, ""))));
  return found.flat();
}

async function walked(entry, above) {
  const path = above + entry.name;
  if (entry.isFile) {
    const file = await new Promise((resolve) => entry.file(resolve, () => resolve(null)));
    return [{ file: file ?? new File([], entry.name), path, unreadable: !file }];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const part = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (!part.length) return found.sort((a, b) => (a.path < b.path ? -1 : 1));
    for (const each of part) found.push(...(await walked(each, `${path}/`)));
  }
}

/** Return [{file, path}] of pasted pictures, named by the time, as they all come as image.png. */
export function pasted(transfer, now = new Date()) {
  const stamp = `${now.toLocaleDateString("sv")} ${now.toLocaleTimeString("sv").replaceAll(":", ".")}`;
  return [...transfer.files].map((file) => {
    const named = file.name && !/^image\.\w+$/.test(file.name);
    const ending = file.name.match(/\.\w+$/)?.[0] ?? ".png";
    return { file, path: named ? file.name : `pasted ${stamp}${ending}` };
  });
}

/** Return { pictures, tables: [{file, form}], lists, others } of what was brought. */
export function sorted(brought) {
  const kinds = { pictures: [], tables: [], lists: [], others: [] };
  const alone = brought.every(({ path }) => !path.includes("/")); // tables within a folder of pictures are none
  for (const one of brought) {
    const form = alone && formOf(one.file.name);
    if (form) kinds.tables.push({ ...one, form });
    else if (alone && /\.txt$/i.test(one.file.name)) kinds.lists.push(one);
    else if (isPicture(one.file)) kinds.pictures.push(one);
    else kinds.others.push(one);
  }
  return kinds;
}

const formOf = (name) => TABLES[name.toLowerCase().replace(/\.gz$/, "").match(/\.\w+$/)?.[0]];
const isPicture = (file) => file.type.startsWith("image/") || PICTURES.test(file.name);

/** Return the ids of pictures, in order: the path below their folder; the whole path where that is taken; numbered. */
export function idsOf(paths) {
  const taken = new Set();
  return paths.map((path) => {
    let id = path.includes("/") ? path.slice(path.indexOf("/") + 1) : path;
    if (taken.has(id)) id = path;
    for (let number = 2; taken.has(id); number++) id = path.replace(/(\.[^./]*)?$/, `-${number}$1`);
    taken.add(id);
    return id;
  });
}
