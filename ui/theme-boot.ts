// Runs before the first paint: applies the theme that was chosen, where one was. Nothing else belongs here.
const chosen = localStorage.getItem("driftless.theme");
if (chosen === "dark" || chosen === "light") document.documentElement.dataset["theme"] = chosen;
