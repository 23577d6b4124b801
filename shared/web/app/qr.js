// QR codes of texts (ISO/IEC 18004): byte mode, error correction level M, versions 1 to 15, which hold 412 bytes.

// By version: codewords of error correction per block, and blocks (ISO/IEC 18004, table 9).
const EC = [0, 10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24];
const BLOCKS = [0, 1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10];
const CODEWORDS = [0, 26, 44, 70, 100, 134, 172, 196, 242, 292, 346, 404, 466, 532, 581, 655];
const MASKS = [
  (x, y) => (x + y) % 2, (x, y) => y % 2, (x) => x % 3, (x, y) => (x + y) % 3,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2, (x, y) => ((x * y) % 2) + ((x * y) % 3),
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2, (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2,
];

/** The modules of the code of a text: rows of booleans, true is dark. The caller adds a margin of 4 modules. Null if it is too long. */
export function qrCode(text) {
  const bytes = new TextEncoder().encode(text);
  const room = (version) => CODEWORDS[version] - EC[version] * BLOCKS[version];
  const version = CODEWORDS.findIndex((_, each) => each && bytes.length + (each < 10 ? 2 : 3) <= room(each));
  if (version < 0) return null;
  const codewords = interleave(dataWords(bytes, version, room(version)), version);
  const choices = MASKS.map((mask, number) => draw(codewords, version, mask, number));
  return choices.reduce((best, one) => (penalty(one) < penalty(best) ? one : best));
}

// The mode, the length and the bytes, filled up with the pad codewords.
function dataWords(bytes, version, room) {
  const bits = [];
  const push = (value, length) => { for (let i = length - 1; i >= 0; i -= 1) bits.push((value >> i) & 1); };
  push(4, 4);
  push(bytes.length, version < 10 ? 8 : 16);
  for (const byte of bytes) push(byte, 8);
  push(0, 4);
  const words = [];
  for (let i = 0; i + 8 <= bits.length; i += 8) words.push(parseInt(bits.slice(i, i + 8).join(""), 2));
  for (let pad = 0xec; words.length < room; pad ^= 0xfd) words.push(pad);
  return words;
}

// Blocks with their error correction, one codeword of each in turn. Later blocks may be one codeword longer.
function interleave(data, version) {
  const count = BLOCKS[version], short = Math.floor(data.length / count), longer = count - (data.length % count);
  const blocks = [];
  for (let i = 0, at = 0; i < count; i += 1) {
    const length = short + (i < longer ? 0 : 1);
    blocks.push(data.slice(at, at + length));
    at += length;
  }
  const checks = blocks.map((block) => remainder(block, EC[version]));
  const inTurn = (lists, length) => Array.from({ length }, (_, i) => lists.map((list) => list[i])).flat().filter((word) => word !== undefined);
  return [...inTurn(blocks, short + 1), ...inTurn(checks, EC[version])];
}

// Multiplication in the field of 256 elements with the polynomial 0x11d.
function times(a, b) {
  let product = 0;
  for (let i = 7; i >= 0; i -= 1) product = (product << 1) ^ ((product >> 7) * 0x11d) ^ (((b >> i) & 1) * a);
  return product;
}

// The Reed-Solomon remainder.
function remainder(data, degree) {
  let generator = [1];
  for (let i = 0, root = 1; i < degree; i += 1, root = times(root, 2)) {
    const next = [...generator, 0];
    generator.forEach((factor, at) => { next[at + 1] ^= times(factor, root); });
    generator = next;
  }
  const result = new Array(degree).fill(0);
  for (const word of data) {
    const lead = word ^ result.shift();
    result.push(0);
    for (let i = 0; i < degree; i += 1) result[i] ^= times(generator[i + 1], lead);
  }
  return result;
}

// A value and its BCH remainder.
function bch(value, generator) {
  const degree = 31 - Math.clz32(generator);
  let rest = value << degree;
  while (rest >> degree) rest ^= generator << (31 - Math.clz32(rest) - degree);
  return (value << degree) | rest;
}

function draw(codewords, version, mask, number) {
  const size = 17 + 4 * version;
  const rows = Array.from({ length: size }, () => new Array(size).fill(null));
  const set = (x, y, dark) => { if (x >= 0 && y >= 0 && x < size && y < size) rows[y][x] = Boolean(dark); };
  const square = (x, y, radius, dark) => {
    for (let dx = -radius; dx <= radius; dx += 1) for (let dy = -radius; dy <= radius; dy += 1) set(x + dx, y + dy, dark(Math.max(Math.abs(dx), Math.abs(dy))));
  };
  for (let i = 0; i < size; i += 1) {
    set(i, 6, i % 2 === 0);
    set(6, i, i % 2 === 0);
  }
  for (const [x, y] of [[3, 3], [size - 4, 3], [3, size - 4]]) square(x, y, 4, (ring) => ring !== 2 && ring !== 4);
  const centres = alignment(version, size), last = centres.length - 1;
  centres.forEach((x, i) => centres.forEach((y, j) => {
    if (!((i === 0 && j === 0) || (i === 0 && j === last) || (i === last && j === 0))) square(x, y, 2, (ring) => ring !== 1);
  }));
  // Level M is 0.
  const format = bch(number, 0x537) ^ 0x5412;
  for (let i = 0; i < 15; i += 1) {
    const dark = (format >> i) & 1;
    set(8, i < 6 ? i : i < 8 ? i + 1 : size - 15 + i, dark);
    set(i < 8 ? size - 1 - i : i < 9 ? 7 : 14 - i, 8, dark);
  }
  set(8, size - 8, true);
  for (let i = 0; version > 6 && i < 18; i += 1) {
    const dark = (bch(version, 0x1f25) >> i) & 1, a = size - 11 + (i % 3), b = Math.floor(i / 3);
    set(a, b, dark);
    set(b, a, dark);
  }
  place(rows, codewords, mask);
  return rows;
}

function alignment(version, size) {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2, step = Math.ceil((size - 13) / (2 * count - 2)) * 2;
  return [6, ...Array.from({ length: count - 1 }, (_, i) => size - 7 - step * (count - 2 - i))];
}

// From the right, two columns at a time, upwards and downwards in turn, around the timing column.
function place(rows, codewords, mask) {
  const size = rows.length;
  let bit = 0;
  for (let right = size - 1, up = true; right > 0; right -= right === 8 ? 3 : 2, up = !up) {
    for (let i = 0; i < size; i += 1) {
      const y = up ? size - 1 - i : i;
      for (const x of [right, right - 1]) {
        if (rows[y][x] !== null) continue;
        const dark = (codewords[bit >> 3] >> (7 - (bit & 7))) & 1;
        rows[y][x] = Boolean(dark) !== (mask(x, y) === 0);
        bit += 1;
      }
    }
  }
}

// How hard a code is to read (ISO/IEC 18004, 7.8.3): long runs, squares, patterns like a corner, and an uneven share of dark.
function penalty(rows) {
  const size = rows.length, columns = rows.map((_, x) => rows.map((row) => row[x]));
  let points = 0, dark = 0;
  for (const line of [...rows, ...columns].map((row) => row.map(Number).join(""))) {
    for (const [run] of line.matchAll(/0{5,}|1{5,}/g)) points += run.length - 2;
    for (const pattern of ["10111010000", "00001011101"]) for (let at = line.indexOf(pattern); at >= 0; at = line.indexOf(pattern, at + 1)) points += 40;
  }
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      dark += rows[y][x];
      if (x && y && rows[y][x] === rows[y - 1][x] && rows[y][x] === rows[y][x - 1] && rows[y][x] === rows[y - 1][x - 1]) points += 3;
    }
  }
  return points + 10 * Math.floor(Math.abs((dark * 100) / (size * size) - 50) / 5);
}
