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

    /// <summary>Attribution graphs.</summary>
    public static PageSection Circuits { get; } = new(30, "Circuits", "/circuits");

    /// <summary>Texts, read through lenses.</summary>
    public static PageSection Lens { get; } = new(35, "Lens", "/lens");

    /// <summary>Conversations with the model.</summary>
    public static PageSection Chat { get; } = new(40, "Chat", "/chat");

    /// <summary>Studies that were made, or are being made.</summary>
    public static PageSection Studies { get; } = new(45, "Studies", "/studies");

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
            <button type="button" class="ask" popovertarget="help" aria-label="Keys and colours" title="Keys and colours (?)">?</button>{(Search ? Field : Markup.Empty)}
            </header>

            """
        );

    private static Markup Field { get; } =
        Markup.Trusted(
            """
            <form class="search" action="/search" role="search"><input type="search" name="q" placeholder="search features" aria-label="search labels, promoted words and strongest tokens"></form>

            """
        );
}
