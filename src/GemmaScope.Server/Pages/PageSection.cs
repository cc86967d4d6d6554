using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Pages;

/// <summary>A part of the site that stands in the header of every page.</summary>
/// <param name="Place">Its place among the others: the smallest is first.</param>
/// <param name="Name">What it is called.</param>
/// <param name="Address">Where it begins.</param>
internal sealed record PageSection(int Place, string Name, string Address)
{
    /// <summary>Texts, read with dictionaries.</summary>
    public static PageSection Microscope { get; } = new(10, "Microscope", "/");

    /// <summary>Dictionaries and their features.</summary>
    public static PageSection Map { get; } = new(20, "Map", "/map");

    /// <summary>The user's collections.</summary>
    public static PageSection Lists { get; } = new(50, "Lists", "/lists");

    /// <summary>Verdicts on texts.</summary>
    public static PageSection Guard { get; } = new(60, "Guard", "/shield");
}

/// <summary>What a server has to show. Whoever adds the pages of a section says so here, and the header of all pages names it.</summary>
internal sealed class PageSections
{
    private readonly SortedList<int, PageSection> _sections = [];

    /// <summary>Whether there are features that can be searched.</summary>
    public bool Search { get; set; }

    /// <summary>Adds a section; called while the server is put together.</summary>
    public void Add(PageSection section) => _sections[section.Place] = section;

    /// <summary>The header: the same on every page but for the mark at the section that the page belongs to.</summary>
    public Markup Header(PageSection? current) =>
        Markup.Of(
            $"""
            <a class="skip" href="#main">to the content</a>
            <header class="bar">
            <a class="name" href="/"><b>Gemma</b>Scope</a>
            <nav class="sections" aria-label="sections">{_sections.Values.Select(one =>
                Markup.Of($"<a href=\"{one.Address}\"{Markup.Trusted(one == current ? " aria-current=\"true\"" : "")}>{one.Name}</a>")
            )}</nav>
            {(Search ? Field : Markup.Empty)}<button type="button" class="ask" popovertarget="help" aria-label="Keys and colours" title="Keys and colours (?)">?</button>
            </header>
            {Help}
            """
        );

    private static Markup Field { get; } =
        Markup.Trusted(
            """
            <form class="search" action="/search" role="search"><input type="search" name="q" placeholder="search features" aria-label="search labels, promoted words and strongest tokens"></form>

            """
        );

    /// <summary>Shown over the page by the browser itself, so that it needs no script; a browser that knows nothing of that shows it as a
    /// part of the page.</summary>
    private static Markup Help { get; } =
        Markup.Of(
            $"""
            <aside id="help" popover role="dialog" aria-label="Keys and colours">
            <div class="headed"><h2>Keys</h2><button type="button" class="quiet" popovertarget="help" popovertargetaction="hide" autofocus>close <kbd>Esc</kbd></button></div>
            <dl class="keys">
            <dt><kbd>/</kbd></dt><dd>search</dd>
            <dt><kbd>t</kbd></dt><dd>the field for a text; <kbd>Ctrl</kbd> <kbd>Enter</kbd> sends it</dd>
            <dt><kbd>←</kbd> <kbd>→</kbd></dt><dd>the feature before and after; on a token, the token before and after</dd>
            <dt><kbd>r</kbd></dt><dd>a random feature</dd>
            <dt><kbd>s</kbd></dt><dd>steering</dd>
            <dt><kbd>?</kbd></dt><dd>this</dd>
            </dl>
            <h2>Colours</h2>
            <dl class="keys">
            <dt>{Scale}</dt><dd>a token: how strongly a feature fires there, as a share of its maximum; on the map: the variance that a dictionary explains</dd>
            <dt><span class="swatch special">‹bos›</span></dt><dd>grey: left out of every sum</dd>
            </dl>
            </aside>

            """
        );

    private static Markup Scale =>
        Markup.Join(
            Enumerable.Range(0, 5).Select(step => Markup.Of($"<span class=\"swatch s{TokenMarkup.Shade(step / 4.0)}\">{step * 25}</span>"))
        );
}
