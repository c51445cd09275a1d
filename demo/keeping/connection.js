// Whether the server can be reached, and whether it is still the same: asked gently, and sooner after what speaks for a
// loss.

const CALM = 20_000; // milliseconds between two looks while all is well
const LOST = 2_000; // while the server is away
const AGAIN = 1_000; // until a first failure is checked
const PATIENCE = 8_000; // for one answer; a busy server is not a lost one
const SLOW_TO_LOST = 3; // so many answers in a row that do not come

// `look(signal)` asks for the server's state: resolves to {run} or {} if something answered, to null if nothing or
// only a proxy did; rejects with TimeoutError if it took too long. `change({isLost})` is called when the server
// went, and when it came back or is another one than before. Returns {check, end}: `check` looks at once.
export function createConnection({ look, change, isHidden = () => false, later = setTimeout, forget = clearTimeout }) {
  let run = null;
  let failures = 0;
  let slow = 0;
  let isLost = false;
  let timer = 0;
  let isLooking = false;
  let isOver = false;

  async function check() {
    if (isLooking || isOver) return;
    isLooking = true;
    forget(timer);
    try {
      const told = await look();
      if (told) answered(told);
      else failed(2);
    } catch (error) {
      if (error && error.name === "TimeoutError") {
        slow += 1;
        if (slow >= SLOW_TO_LOST) failed(2);
      } else failed(2);
    } finally {
      isLooking = false;
    }
    if (isOver) return;
    const isCalm = !isLost && !failures;
    // A hidden page looks again when it is shown.
    if (!isCalm || !isHidden()) timer = later(check, isLost ? LOST : failures ? AGAIN : CALM);
  }

  function failed(needed) {
    failures += 1;
    if (failures < needed || isLost) return;
    isLost = true;
    change({ isLost: true });
  }

  function answered(told) {
    const isOther = run != null && told.run != null && told.run !== run;
    const wasLost = isLost;
    if (told.run != null) run = told.run;
    failures = slow = 0;
    isLost = false;
    if (wasLost || isOther) change({ isLost: false });
  }

  return {
    check,
    end() {
      isOver = true;
      forget(timer);
    },
  };
}

// Asks for the id that Gradio gives to each run of the program; see `look` above.
export async function lookAtServer() {
  const { root = "", api_prefix: prefix = "/gradio_api" } = window.gradio_config || {};
  const answer = await fetch(`${root.replace(/\/$/, "")}${prefix}/app_id`, {
    cache: "no-store",
    signal: AbortSignal.timeout(PATIENCE),
  });
  if (answer.status >= 500) return null;
  const isTold = answer.ok && (answer.headers.get("content-type") || "").includes("json");
  return isTold ? { run: (await answer.json()).app_id } : {};
}
