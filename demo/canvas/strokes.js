// Lines that are visible on any picture.

export const WHITE = "rgba(255,255,255,0.9)";
export const FULL_CIRCLE = 2 * Math.PI;

// Strokes the path in two widths and colours, so that it is visible on any picture.
export function strokeTwice(context, ...strokes) {
  for (const [width, style] of strokes) {
    context.lineWidth = width;
    context.strokeStyle = style;
    context.stroke();
  }
}
