/** Let the arrow keys, Home and End choose the next, previous, first and last tab of a list. */
function tabKeys(list, choose) {
  list.addEventListener("keydown", (event) => {
    const buttons = [...list.children];
    const here = buttons.indexOf(event.target);
    const last = buttons.length - 1;
    const to = {
      ArrowRight: here === last ? 0 : here + 1, ArrowLeft: here === 0 ? last : here - 1,
      Home: 0, End: last,
    }[event.key];
    if (here < 0 || to === undefined) return;
    choose(buttons[to].dataset.name);
    buttons[to].focus();
    event.preventDefault();
    event.stopPropagation();
  });
}

/** Mark the tab of a name; it alone is reached with the tabulator. */
function markTab(list, name) {
  for (const button of list.children) {
    const on = button.dataset.name === name;
    button.setAttribute("aria-selected", String(on));
    button.tabIndex = on ? 0 : -1;
  }
}
