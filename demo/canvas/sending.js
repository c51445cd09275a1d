// Sends a file to Gradio's upload folder, with its progress, and so that it can be given up.

const PREFIX = "/gradio_api";

const rootOf = ({ gradio_config: config }) => {
  const { root = "", api_prefix: prefix = PREFIX } = config || {};
  return `${root.replace(/\/$/, "")}${prefix}`;
};

// A sentence of the server about what it refused, or "".
export function refusalOf(text) {
  try {
    const { detail } = JSON.parse(text);
    return typeof detail === "string" ? detail : "";
  } catch {
    return "";
  }
}

// Calls `progress(share)`, 0..1, while the file is sent. `signal` gives it up. Resolves to Gradio's FileData; rejects
// with an Error whose message is the server's sentence or "", and whose name is "AbortError" if it was given up; isCut: no
// answer came.
export function sendFile(file, { progress, signal }) {
  const base = rootOf(window);
  const form = new FormData();
  form.append("files", file, file.name);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const fail = (message = "", name = "Error", isCut = false) =>
      reject(Object.assign(new Error(message), { name, isCut }));
    request.upload.onprogress = ({ lengthComputable, loaded, total }) => lengthComputable && progress(loaded / total);
    request.onload = () => {
      if (request.status !== 200) return fail(refusalOf(request.responseText));
      try {
        const [path] = JSON.parse(request.responseText);
        const meta = { _type: "gradio.FileData" };
        resolve({ path, url: `${base}/file=${path}`, orig_name: file.name, meta });
      } catch {
        fail();
      }
    };
    request.onerror = () => fail("", "Error", true);
    request.onabort = () => fail("", "AbortError");
    signal.addEventListener("abort", () => request.abort());
    request.open("POST", `${base}/upload`);
    request.send(form);
  });
}
