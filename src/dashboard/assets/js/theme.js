// Before the page is drawn: light or dark, as was chosen here or as the system says.
(() => {
  let choice = null;
  try {
    choice = localStorage.getItem("millpond-theme");
  } catch {
    // Without storage the system decides.
  }
  const dark = choice === "dark" || (choice !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
