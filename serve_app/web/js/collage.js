/** Side by side: a face and its double in one picture to keep. */

const SIDE = 640;
const EDGE = 28;
const CAPTION = 112;
const CREDIT_FONT = "20px system-ui, sans-serif";
const CREDIT_LINE = 26;

/**
 * @param {CanvasImageSource} face a square picture
 * @param {HTMLImageElement} double
 * @param {{name: string, percent: string, attribution: string}} words the portrait's licence may ask to be credited
 * @returns {Promise<Blob>} a JPEG
 */
export async function collage(face, double, { name, percent, attribution }) {
  const canvas = document.createElement("canvas");
  const brush = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  brush.font = CREDIT_FONT;
  const credit = linesOf(brush, attribution, SIDE);
  // Before the painting: a canvas that gets a size is empty, and its brush as new.
  canvas.width = SIDE * 2 + EDGE * 3;
  canvas.height = SIDE + EDGE * 2 + CAPTION + CREDIT_LINE * Math.max(0, credit.length - 1);
  brush.fillStyle = "#f7f6f0";
  brush.fillRect(0, 0, canvas.width, canvas.height);
  brush.imageSmoothingQuality = "high";
  brush.drawImage(face, EDGE, EDGE, SIDE, SIDE);
  cover(brush, double, EDGE * 2 + SIDE, EDGE);
  brush.fillStyle = "#17211c";
  brush.textBaseline = "middle";
  const line = EDGE * 2 + SIDE + 20;
  const serif = '"Iowan Old Style", "Palatino Linotype", Palatino, P052, Georgia, serif';
  brush.font = `italic 40px ${serif}`;
  brush.fillText(name, EDGE * 2 + SIDE, line, SIDE - 160);
  brush.fillText("You", EDGE, line, SIDE);
  brush.font = CREDIT_FONT;
  brush.fillStyle = "#52605a";
  credit.forEach((words, index) => brush.fillText(words, EDGE * 2 + SIDE, line + 52 + CREDIT_LINE * index, SIDE));
  brush.textAlign = "right";
  brush.fillStyle = "#a3213a";
  brush.font = `44px ${serif}`;
  brush.fillText(percent, canvas.width - EDGE, line);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no room for a collage"))), "image/jpeg", 0.92);
  });
}

/** A text in as many lines as it takes; only a word longer than a line is squeezed into one. */
function linesOf(brush, text, width) {
  const lines = [];
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
    if (lines.length && brush.measureText(longer).width <= width) lines.splice(-1, 1, longer);
    else lines.push(word);
  }
  return lines;
}

/** Fills a square with the middle of a picture; portraits keep their upper part, where the face is. */
function cover(brush, image, x, y) {
  const side = Math.min(image.naturalWidth, image.naturalHeight);
  const left = (image.naturalWidth - side) / 2;
  const top = (image.naturalHeight - side) * 0.2;
  brush.drawImage(image, left, top, side, side, x, y, SIDE, SIDE);
}
