// The camera: a live preview in a dialog. The photograph is passed on as a file, like a chosen one. It is offered only
// if the browser supports it.

import { make } from "../shared/elements.js";

const JPEG_QUALITY = 0.95;

export const hasCamera = () => Boolean(navigator.mediaDevices && navigator.mediaDevices.getUserMedia);

// Returns {dialog, open}. `take(file)` is called with the photograph, `refuse(sentence)` with the reason if there is
// none.
export function createCamera({ words, take, refuse }) {
  const video = make("video", { playsinline: "", "aria-label": words.cameraPreview });
  video.muted = true;
  const shutter = make("button", { type: "button", class: "osp-camera-take" }, words.cameraTake);
  const cancel = make("button", { type: "button" }, words.cameraCancel);
  const buttons = make("div", {}, cancel, shutter);
  const dialog = make("dialog", { class: "osp-camera", "aria-label": words.camera }, video, buttons);
  let stream = null;
  let openings = 0;

  const end = (mediaStream) => mediaStream && mediaStream.getTracks().forEach((track) => track.stop());

  dialog.addEventListener("close", () => {
    openings += 1;
    end(stream);
    stream = video.srcObject = null;
  });
  dialog.addEventListener("keydown", (event) => event.stopPropagation()); // shortcuts of the page are off
  cancel.addEventListener("click", () => dialog.close());
  shutter.addEventListener("click", () => {
    const shot = make("canvas", { width: video.videoWidth, height: video.videoHeight });
    shot.getContext("2d").drawImage(video, 0, 0);
    shutter.disabled = true;
    const finish = (blob) => {
      dialog.close();
      if (blob) take(new File([blob], "camera.jpg", { type: "image/jpeg" }));
      else refuse(words.cameraMissing);
    };
    shot.toBlob(finish, "image/jpeg", JPEG_QUALITY);
  });

  async function open() {
    const opening = ++openings;
    shutter.disabled = true;
    dialog.showModal();
    try {
      const constraints = { facingMode: "environment", width: { ideal: 1920 } };
      const mediaStream = await navigator.mediaDevices.getUserMedia({ video: constraints });
      if (opening !== openings) return end(mediaStream); // cancelled while the browser was still asking
      stream = video.srcObject = mediaStream;
      await video.play();
      shutter.disabled = false;
      shutter.focus();
    } catch (error) {
      if (opening !== openings) return;
      dialog.close();
      const isRefused = ["NotAllowedError", "SecurityError"].includes(error.name);
      refuse(isRefused ? words.cameraRefused : words.cameraMissing);
    }
  }
  return { dialog, open };
}
