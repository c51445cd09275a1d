// The icons of the page, as paths in a square of 24 by 24.

const ICONS = {
  add: "M12 5v14M5 12h14",
  box: "M4 7V4h3M17 4h3v3M20 17v3h-3M7 20H4v-3M4 11v2M20 11v2M11 4h2M11 20h2",
  brush: "M20 4c-5 2-9 6-10.5 9.5l2 2C15 14 18 9 20 4zM9 14.5c-2 0-3 1.5-3 3S5 20 3.5 20c3 1 7 .5 7-3.5z",
  camera: "M4 19V8h4l1.5-3h5L16 8h4v11zM12 10a3.200 3.200 0 100 6.400 3.200 3.200 0 000-6.400z",
  clear: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.5 11v6M13.5 11v6",
  close: "M6.500 6.500l11 11M17.500 6.500l-11 11",
  copy: "M9 9h10v11H9zM15 9V4H5v11h4",
  dislike:
    "M7 4H4v9h3zM7 13l4 7.500c1.500 0 2.500-1 2.200-2.700L12.500 14h6c1.200 0 2-1 1.700-2.200l-1.500-6.300C18.500 4.600 17.700 4 16.800 4H7",
  done: "M5 12.500l4.500 4.500L19 7.500",
  down: "M12 5v13M6.500 12.500L12 18l5.500-5.500",
  edit: "M4 20l1-4.500L15.500 5l3.500 3.500L8.500 19zM13.500 7l3.500 3.500",
  everything: "M4 4h6v6H4zM14 4h6v9h-6zM4 14h6v6H4zM14 17h6v3h-6z",
  extent: "M4 10V4h6M20 14v6h-6M4 4l6.500 6.500M20 20l-6.500-6.500",
  fit: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  info: "M12 3.500a8.500 8.500 0 100 17 8.500 8.500 0 100-17M12 11v5.500M12 7.600v.1",
  keep: "M12 5v14M5 12h14",
  like: "M7 20H4v-9h3zM7 11l4-7.500c1.500 0 2.500 1 2.200 2.700L12.500 10h6c1.200 0 2 1 1.700 2.200l-1.500 6.300c-.2.900-1 1.500-1.900 1.500H7",
  mask: "M4 4h16v16H4zM12 7.500a4.500 4.500 0 100 9 4.500 4.500 0 000-9z",
  more: "M5 11.500v1M12 11.500v1M19 11.500v1M5.500 12h-1M12.500 12h-1M19.500 12h-1",
  new: "M12 3.500l1.800 5.200 5.500.1-4.400 3.300 1.600 5.300-4.500-3.100-4.500 3.100 1.600-5.300-4.400-3.300 5.500-.1z",
  open: "M4 18V6h5l2 2h9v10zM12 16v-5M9.500 13.200L12 10.700l2.500 2.500",
  point: "M5 3l13 9-6 1.200L9.500 19z",
  polygon:
    "M12 3.500l8.500 6.200-3.300 10.300H6.800L3.500 9.700zM12 3.500v.01M20.500 9.700v.01M17.200 20v.01M6.800 20v.01M3.500 9.700v.01",
  remove: "M5 12h14",
  save: "M12 4v11M7.500 10.500L12 15l4.500-4.500M4.500 19.500h15",
  undo: "M8 5L4 9l4 4M4 9h9a6 6 0 010 12h-3",
};

export function icon(name) {
  const holder = document.createElement("span");
  holder.className = "osp-glyph";
  holder.setAttribute("aria-hidden", "true");
  holder.innerHTML = `<svg viewBox="0 0 24 24"><path d="${ICONS[name]}"/></svg>`;
  return holder;
}
