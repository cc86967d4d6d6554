using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Pages;

/// <summary>A page that is made: the document but for the header, which says what the server has and is put in when it is sent; and the
/// policy that belongs to it.</summary>
/// <param name="Before">The document to where the header stands.</param>
/// <param name="After">What follows it.</param>
/// <param name="Policy">Its Content-Security-Policy.</param>
/// <param name="Status">The status it is answered with.</param>
internal sealed record Page(Markup Before, Markup After, string Policy, int Status = 200)
{
    /// <summary>Whether it has a header: one in a frame has none.</summary>
    public bool HasHeader { get; init; } = true;

    /// <summary>The section it belongs to, or null.</summary>
    public PageSection? Section { get; init; }

    /// <summary>Bytes it has, without the header.</summary>
    public int CountBytes() => Before.CountBytes() + After.CountBytes();

    /// <summary>The whole document.</summary>
    public Markup Whole(PageSections sections) => Markup.Of($"{Before}{(HasHeader ? sections.Header(Section) : Markup.Empty)}{After}");

    /// <summary>The same in few pieces, for what is sent again and again.</summary>
    public Page Packed() => this with { Before = Before.Packed(), After = After.Packed() };
}

/// <summary>A step of the way to a page.</summary>
/// <param name="Name">What is read.</param>
/// <param name="Address">Where it leads; null for the page itself.</param>
/// <param name="Title">The long name, where what is read is a short one.</param>
internal readonly record struct PageStep(string Name, string? Address = null, string? Title = null)
{
    /// <summary>The map of a model.</summary>
    public static PageStep Model(string model) => new(model, PageAddress.Model(model));
}
