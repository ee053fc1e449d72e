/**
 * Put a text in a new cell below the one that shows an element; returns whether that could be done.
 * JupyterLab's widgets know their notebook; elsewhere there is no such way.
 */
function newCell(model, element, source) {
  try {
    const book = model.widget_manager.context.model.sharedModel;
    const cell = element.closest(".jp-Cell");
    const all = [...cell.closest(".jp-Notebook").querySelectorAll(".jp-Cell")];
    const place = Number(cell.dataset.windowedListIndex ?? all.indexOf(cell));
    book.insertCell(place + 1, { cell_type: "code", source, metadata: {} });
    return true;
  } catch {
    return false;
  }
}
