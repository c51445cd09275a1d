// The camera: a live preview in a dialog. What is taken is handed on as a file, like one that was chosen; what a picture
// is for, this does not know. It is offered only where the browser has one to offer.

const hasCamera = Boolean(navigator.mediaDevices && navigator.mediaDevices.getUserMedia);

// Gives the dialog's element, and `open`. `take(file)` gets the picture, `refuse(sentence)` why there is none.
function camera(W, take, refuse) {
  const video = make("video", { playsinline: "", "aria-label": W.cameraPreview });
  video.muted = true;
  const shutter = make("button", { type: "button", class: "osp-camera-take" }, W.cameraTake);
  const cancel = make("button", { type: "button" }, W.cameraCancel);
  const dialog = make("dialog", { class: "osp-camera", "aria-label": W.camera }, video, make("div", {}, cancel, shutter));
  let stream = null;
  let opening = 0;

  const end = (given) => given && given.getTracks().forEach((track) => track.stop());
  dialog.addEventListener("close", () => {
    opening += 1;
    end(stream);
    stream = video.srcObject = null;
  });
  // The page's own keys mean nothing in here.
  dialog.addEventListener("keydown", (event) => event.stopPropagation());
  cancel.addEventListener("click", () => dialog.close());
  shutter.addEventListener("click", () => {
    const shot = make("canvas", { width: video.videoWidth, height: video.videoHeight });
    shot.getContext("2d").drawImage(video, 0, 0);
    shutter.disabled = true;
    shot.toBlob(
      (blob) => {
        dialog.close();
        if (blob) take(new File([blob], "camera.jpg", { type: "image/jpeg" }));
        else refuse(W.cameraMissing);
      },
      "image/jpeg",
      0.95,
    );
  });

  async function open() {
    const mine = ++opening;
    shutter.disabled = true;
    dialog.showModal();
    try {
      const given = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1920 } } });
      if (mine !== opening) return end(given); // cancelled while the browser was still asking
      stream = video.srcObject = given;
      await video.play();
      shutter.disabled = false;
      shutter.focus();
    } catch (error) {
      if (mine !== opening) return;
      dialog.close();
      refuse(["NotAllowedError", "SecurityError"].includes(error.name) ? W.cameraRefused : W.cameraMissing);
    }
  }
  return { dialog, open };
}
