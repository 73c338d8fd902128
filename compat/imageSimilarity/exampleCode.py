"""Which of these pictures are alike? `python exampleCode.py A.jpg B.jpg C.jpg`, while the API runs."""

import sys
from pathlib import Path

import httpx

URL = "http://localhost:9082/api/imageSimilarityByHash"

if __name__ == "__main__":
    if not sys.argv[1:]:
        sys.exit(__doc__)
    files = {name: Path(name).read_bytes() for name in sys.argv[1:]}
    answer = httpx.post(URL, files=files, params={"similarity_grade": 0.75}, timeout=300)
    print(answer.json()["lists"] if answer.is_success else answer.text)
