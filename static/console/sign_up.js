// Suggests an address from the name, until the person writes one. The rule is that of tenants/slugs.py.

const name = document.querySelector("[data-suggests]");
const slug = name && document.getElementById(name.dataset.suggests);

function suggestion(text) {
  const plain = text.normalize("NFKD").replace(/[^\x00-\x7f]/g, "").toLowerCase();
  return plain.replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 40).replace(/-+$/, "");
}

if (slug) {
  let own = slug.value !== "" && slug.value !== suggestion(name.value);
  name.addEventListener("input", () => {
    if (!own) slug.value = suggestion(name.value);
  });
  slug.addEventListener("input", () => {
    own = slug.value !== "";
  });
}
