// The loupe: what lies under a finger, enlarged and beside it. Positions are on the canvas, in CSS pixels.

const RADIUS = 54;
const MAGNIFICATION = 2.2;
const REACH = 96; // from the finger to the loupe's middle

// Where the loupe stands for a finger at this place: above it, or beside it near the upper edge.
export function loupePlace([x, y], { width }) {
  if (y > REACH + RADIUS) return [Math.min(Math.max(x, RADIUS), width - RADIUS), y - REACH];
  return [x > width / 2 ? x - REACH : x + REACH, Math.max(y, RADIUS)];
}

// The view that shows the loupe's enlarged picture.
export function loupeView(view, at, [x, y]) {
  const [left, top] = [x - (at[0] - view.x) * MAGNIFICATION, y - (at[1] - view.y) * MAGNIFICATION];
  return { ...view, scale: view.scale * MAGNIFICATION, x: left, y: top };
}

// `paintScene(view)` draws the picture and what is on it.
export function paintLoupe(context, view, at, paintScene) {
  const [x, y] = loupePlace(at, view);
  context.save();
  circle(context, x, y, RADIUS);
  context.clip();
  context.fillStyle = "#14181f";
  context.fillRect(x - RADIUS, y - RADIUS, 2 * RADIUS, 2 * RADIUS);
  paintScene(loupeView(view, at, [x, y]));
  context.restore();
  for (const [width, style] of [
    [5, "rgba(0,0,0,0.45)"],
    [3, "#fff"],
  ]) {
    context.lineWidth = width;
    context.strokeStyle = style;
    circle(context, x, y, RADIUS);
    context.stroke();
    context.beginPath();
    context.moveTo(x - 7, y);
    context.lineTo(x + 7, y);
    context.moveTo(x, y - 7);
    context.lineTo(x, y + 7);
    context.lineWidth = width / 2;
    context.stroke();
  }
}

function circle(context, x, y, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
}
