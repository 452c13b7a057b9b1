"""How the tag comes into pages that are made with this or that."""

from dataclasses import dataclass
from typing import Final

from chat.install import widget_url


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to do, and what to paste."""

    name: str
    words: str
    code: str

    @property
    def slug(self) -> str:
        """For ids in the page."""
        return "".join(letter for letter in self.name.lower() if letter.isalnum())


TAG: Final = '<script async src="{src}" data-key="{key}"></script>'
# `@src@` and `@key@` are filled in: the code itself is full of braces.
RECIPES: Final = (
    ("Plain HTML", "Before </head> or </body> of every page on which visitors may write.", TAG.format(src="@src@", key="@key@")),
    (
        "WordPress",
        "In functions.php of your child theme, or in a plugin for snippets.",
        """add_action('wp_head', function () {
  echo '<script async src="@src@" data-key="@key@"></script>';
});""",
    ),
    (
        "Shopify",
        "Online Store, Themes, Edit code, layout/theme.liquid: above </head>.",
        TAG.format(src="@src@", key="@key@"),
    ),
    (
        "React",
        "In the component that is always there, such as App.",
        """useEffect(() => {
  const script = document.createElement("script");
  script.async = true;
  script.src = "@src@";
  script.dataset.key = "@key@";
  document.head.append(script);
  return () => window.Porchlight?.destroy();
}, []);""",
    ),
    (
        "Next.js",
        "In app/layout.tsx, inside <body>. The tag must be in the page as it is, so it is a plain script and not next/script.",
        """<body>
  {children}
  <script async src="@src@" data-key="@key@" />
</body>""",
    ),
    (
        "Vue",
        "In index.html, before </head>; with Nuxt in nuxt.config.ts.",
        """export default defineNuxtConfig({
  app: {
    head: { script: [{ src: "@src@", async: true, "data-key": "@key@" }] },
  },
});""",
    ),
    (
        "Google Tag Manager",
        "Tags, New, Custom HTML, on All Pages. The manager takes attributes away, so the tag is made by a script.",
        """<script>
  var script = document.createElement("script");
  script.async = true;
  script.src = "@src@";
  script.setAttribute("data-key", "@key@");
  document.head.appendChild(script);
</script>""",
    ),
    (
        "Content-Security-Policy",
        "If your pages send one, it names us in three places. Nothing inline, and no unsafe-eval.",
        "script-src @widget@; frame-src @widget@; connect-src @widget@",
    ),
)


def recipes_for(key: str) -> list[Recipe]:
    """All of them for one embed key."""
    values = {"@src@": widget_url("/porchlight.js"), "@key@": key, "@widget@": widget_url()}
    return [Recipe(name, words, filled(code, values)) for name, words, code in RECIPES]


def filled(code: str, values: dict[str, str]) -> str:
    """The code with its marks replaced."""
    for mark, value in values.items():
        code = code.replace(mark, value)
    return code
