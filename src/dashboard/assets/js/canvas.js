// A canvas in the pixels of the screen.

/** Makes the canvas as fine as the screen and clears it; returns its context, its width and its height. */
export function prepare(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = devicePixelRatio || 1;
  const [fullWidth, fullHeight] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== fullWidth || canvas.height !== fullHeight) {
    canvas.width = fullWidth;
    canvas.height = fullHeight;
  }
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

/** Where a point of time is on a width that shows `range`. */
export const placer = ([from, to], width) => (t) => ((t - from) / (to - from)) * width;
