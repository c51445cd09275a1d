// What was dropped on the page: files, and the pictures in folders.

// Folders in folders are looked into so deep; of one drop so many files are taken at most.
const MOST_DEEP = 4;
const MOST_FILES = 100;

const isPicture = (file) => file.type.startsWith("image/") || /\.hei[cf]$/i.test(file.name);

// The files that were dropped, those in folders by their names; `empty` are the names of folders without a picture.
// Resolves to {files, empty}. The browser tells of what was dropped only until the event's handler returns.
export async function droppedFiles(transfer) {
  const entries = [...(transfer.items || [])].map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry());
  const folders = entries.filter((entry) => entry && entry.isDirectory);
  if (!folders.length) return { files: [...transfer.files], empty: [] };
  const names = folders.map(({ name }) => name);
  const files = [...transfer.files].filter(({ name }) => !names.includes(name)); // a folder is listed as a file too
  const empty = [];
  for (const folder of folders) {
    const pictures = (await filesIn(folder, MOST_DEEP)).filter(isPicture);
    if (!pictures.length) empty.push(folder.name);
    files.push(...pictures.sort((one, other) => one.name.localeCompare(other.name)));
  }
  return { files: files.slice(0, MOST_FILES), empty };
}

async function filesIn(folder, depth) {
  const reader = folder.createReader();
  const files = [];
  while (files.length < MOST_FILES) {
    const entries = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (!entries.length) break; // it gives them in parts
    for (const entry of entries) {
      if (entry.isDirectory && depth > 0) files.push(...(await filesIn(entry, depth - 1)));
      else if (entry.isFile) files.push(...(await fileOf(entry)));
    }
  }
  return files;
}

const fileOf = (entry) =>
  new Promise((resolve) =>
    entry.file(
      (file) => resolve([file]),
      () => resolve([]),
    ),
  );
