// Runs before the page is painted, so that a chosen theme does not flash: no module, no imports.
(() => {
  try {
    const chosen = localStorage.getItem('faultline-theme');
    if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
  } catch (error) {
    console.info('No theme is kept here:', error.message);
  }
})();
