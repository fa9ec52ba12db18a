/** A photograph is cut to 26 × 32 mm in a frame that the person moves, and shrunk below 60 KB before it is sent. */
import { fill } from "./text.js";

// The shape that the catalogue asks for, at 400 points to the inch.
const WIDTH = 416;
const HEIGHT = 512;
const SENT_BYTES = 60_000;
const QUALITIES = [0.92, 0.85, 0.75, 0.6, 0.45, 0.3];
const SHOWN = 480; // The picture under the frame is drawn no larger.
const KINDS = ["image/jpeg", "image/png"];
const MOST_BYTES = 40 * 1024 * 1024;
const PATIENCE = 150;
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const crops = new Map();

export function init(root) {
  for (const input of root.querySelectorAll("input[type=file][data-photo]")) {
    input.addEventListener("change", () => take(input));
  }
}

export function start() {
  // Before the form sends itself: the last move of the frame must be in the picture.
  document.addEventListener("submit", (event) => hold(event), true);
}

async function hold(event) {
  const late = [...crops].filter(([input, crop]) => input.form === event.target && !crop.ready);
  if (late.length === 0) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  for (const [input, crop] of late) await cut(input, crop);
  event.target.requestSubmit(event.submitter);
}

function parts(input) {
  const field = input.closest(".tm-form-card");
  const box = field.querySelector(`[data-crop="${CSS.escape(input.name)}"]`);
  return { box, error: field.querySelector(`[data-crop-error="${CSS.escape(input.name)}"]`) };
}

async function take(input) {
  const { box, error } = parts(input);
  crops.get(input)?.picture.close();
  crops.delete(input);
  box.hidden = true;
  error.hidden = true;
  const [file] = input.files;
  if (!file) return;
  if (!KINDS.includes(file.type)) return refuse(input, error, "kind");
  if (file.size > MOST_BYTES) return refuse(input, error, "large");
  try {
    const picture = await createImageBitmap(file);
    if (input.files[0] !== file) return picture.close(); // Another one was chosen meanwhile.
    open(input, box, picture, file.name);
  } catch {
    refuse(input, error, "broken");
  }
}

function refuse(input, error, reason) {
  input.value = "";
  error.querySelector("[data-words]").textContent = error.dataset[reason];
  error.hidden = false;
  input.focus();
}

function open(input, box, picture, name) {
  const canvas = box.querySelector("canvas");
  const scale = Math.min(1, SHOWN / picture.width, SHOWN / picture.height);
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  const largest = Math.min(picture.width, (picture.height * WIDTH) / HEIGHT);
  const crop = { picture, name, box, canvas, scale, largest, width: largest, turn: 0, ready: false };
  crop.base = shrunk(picture, 0, 0, picture.width, picture.height, canvas.width, canvas.height);
  crop.x = (picture.width - largest) / 2;
  crop.y = (picture.height - heightOf(crop)) / 2;
  crops.set(input, crop);
  box.hidden = false;
  listen(input, crop);
  changed(input, crop);
}

function heightOf(crop) {
  return (crop.width * HEIGHT) / WIDTH;
}

function listen(input, crop) {
  const { canvas } = crop;
  const size = crop.box.querySelector("input[type=range]");
  size.value = "100";
  size.oninput = () => resize(input, crop, Number(size.value));
  canvas.onkeydown = (event) => {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    const far = crop.largest * (event.shiftKey ? 0.1 : 0.02);
    move(input, crop, step[0] * far, step[1] * far);
  };
  let last = null;
  canvas.onpointerdown = (event) => {
    last = event;
    canvas.setPointerCapture(event.pointerId);
  };
  canvas.onpointermove = (event) => {
    if (!last) return;
    const points = crop.picture.width / canvas.getBoundingClientRect().width;
    move(input, crop, (event.clientX - last.clientX) * points, (event.clientY - last.clientY) * points);
    last = event;
  };
  canvas.onpointerup = canvas.onpointercancel = () => (last = null);
}

/** The frame grows and shrinks around its middle. */
function resize(input, crop, percent) {
  const [middleX, middleY] = [crop.x + crop.width / 2, crop.y + heightOf(crop) / 2];
  crop.width = (crop.largest * percent) / 100;
  crop.x = middleX - crop.width / 2;
  crop.y = middleY - heightOf(crop) / 2;
  move(input, crop, 0, 0);
}

function move(input, crop, right, down) {
  crop.x = within(crop.x + right, crop.picture.width - crop.width);
  crop.y = within(crop.y + down, crop.picture.height - heightOf(crop));
  changed(input, crop);
}

function within(value, most) {
  return Math.max(0, Math.min(value, most));
}

function changed(input, crop) {
  draw(crop);
  crop.ready = false;
  crop.turn += 1; // What is being cut just now shows where the frame was.
  clearTimeout(crop.timer);
  crop.timer = setTimeout(() => cut(input, crop), PATIENCE);
}

function draw({ canvas, base, scale, x, y, width }) {
  const pen = canvas.getContext("2d");
  const frame = [x * scale, y * scale, width * scale, ((width * HEIGHT) / WIDTH) * scale];
  pen.drawImage(base, 0, 0);
  pen.fillStyle = "rgba(10, 25, 50, 0.6)";
  pen.beginPath();
  pen.rect(0, 0, canvas.width, canvas.height);
  pen.rect(...frame);
  pen.fill("evenodd");
  pen.strokeStyle = "#fff";
  pen.lineWidth = 2;
  pen.strokeRect(...frame);
}

/** Put what the frame shows into the form, in place of the file that was chosen. */
async function cut(input, crop) {
  clearTimeout(crop.timer);
  const turn = (crop.turn += 1);
  const few = Math.min(1, crop.width / WIDTH);
  const [width, height] = [Math.max(1, Math.round(WIDTH * few)), Math.max(1, Math.round(HEIGHT * few))];
  const small = shrunk(crop.picture, crop.x, crop.y, crop.width, heightOf(crop), width, height);
  const blob = await encoded(small);
  if (turn !== crop.turn || crops.get(input) !== crop) return;
  const files = new DataTransfer();
  files.items.add(new File([blob], `${crop.name.replace(/\.\w+$/, "")}.jpg`, { type: "image/jpeg" }));
  input.files = files.files;
  crop.ready = true;
  const told = crop.box.querySelector("[data-told]");
  told.textContent = fill(told.dataset.told, { width, height, size: Math.ceil(blob.size / 1024) });
}

async function encoded(canvas) {
  let blob = null;
  for (const quality of QUALITIES) {
    blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", quality));
    if (blob.size < SENT_BYTES) break;
  }
  return blob;
}

function shrunk(picture, ...place) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = place.slice(4);
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff"; // What a png leaves open.
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(picture, ...place.slice(0, 4), 0, 0, ...place.slice(4));
  return canvas;
}
