// What was dropped on the page: files, and the pictures in folders.

// Of one drop so many pictures are taken at most, so many files and folders looked at, and folders in folders so deep.
export const LIMITS = { pictures: 100, entries: 10_000, deep: 4 };

const isPicture = (file) => file.type.startsWith("image/") || /\.hei[cf]$/i.test(file.name);

// The files that were dropped, those in folders by their names; `empty` are the names of folders without a picture, and
// `isCut` says whether a limit was reached, so that pictures may be left out. Resolves to {files, empty, isCut}. The
// browser tells of what was dropped only until the event's handler returns.
export async function droppedFiles(transfer) {
  const entries = [...(transfer.items || [])].map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry());
  const folders = entries.filter((entry) => entry && entry.isDirectory);
  if (!folders.length) return { files: [...transfer.files], empty: [], isCut: false };
  const names = folders.map(({ name }) => name);
  const files = [...transfer.files].filter(({ name }) => !names.includes(name)); // a folder is listed as a file too
  const empty = [];
  let isCut = files.length > LIMITS.pictures;
  const left = { pictures: LIMITS.pictures - files.length, entries: LIMITS.entries };
  for (const folder of folders) {
    const found = await picturesIn(folder, LIMITS.deep, left);
    if (!found.pictures.length && !found.isCut) empty.push(folder.name);
    isCut = isCut || found.isCut;
    files.push(...found.pictures.sort((one, other) => one.name.localeCompare(other.name)));
  }
  return { files: files.slice(0, LIMITS.pictures), empty, isCut };
}

// The pictures in a folder, and whether it has more than were looked at; what is taken is subtracted from `left`.
async function picturesIn(folder, depth, left) {
  const reader = folder.createReader();
  const pictures = [];
  let isCut = false;
  for (;;) {
    const entries = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (!entries.length) return { pictures, isCut }; // it gives them in parts
    for (const entry of entries) {
      if (!left.entries) return { pictures, isCut: true };
      left.entries -= 1;
      if (entry.isDirectory && depth > 0) {
        const inner = await picturesIn(entry, depth - 1, left);
        pictures.push(...inner.pictures);
        isCut = isCut || inner.isCut;
      } else if (entry.isDirectory) isCut = true;
      const picture = entry.isFile ? await pictureOf(entry) : null;
      if (picture && left.pictures <= 0) {
        left.entries = 0; // what follows would be left out too
        return { pictures, isCut: true };
      }
      if (!picture) continue;
      left.pictures -= 1;
      pictures.push(picture);
    }
  }
}

// The file if it is a picture, otherwise null.
const pictureOf = (entry) =>
  new Promise((resolve) =>
    entry.file(
      (file) => resolve(isPicture(file) ? file : null),
      () => resolve(null),
    ),
  );
