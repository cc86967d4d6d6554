using System.Security.Cryptography;
using System.Text;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Pages;

/// <summary>What all pages share: head, header, the way to the page, and a policy under which nothing runs or is fetched but our own
/// files.</summary>
internal sealed record PageFrame
{
    private const string OwnFilesOnly =
        "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'";

    /// <summary>Title of the window.</summary>
    public required string Title { get; init; }

    /// <summary>The section it belongs to, which the header marks; null for none.</summary>
    public PageSection? Section { get; init; }

    /// <summary>The way to it, shown below the header: model, dictionary, feature.</summary>
    public IReadOnlyList<PageStep> Path { get; init; } = [];

    /// <summary>Whether the page stands in a frame of another one: no navigation, and any site may show it.</summary>
    public bool Embedded { get; init; }

    /// <summary>Pixels that an embedded page has to do with.</summary>
    public int? Height { get; init; }

    /// <summary>Whether it has plots; only then the scripts that draw them are fetched, once a plot comes into view.</summary>
    public bool Plots { get; init; }

    /// <summary>A script that only this kind of page needs, or null.</summary>
    public string? Script { get; init; }

    /// <summary>A style sheet that only this kind of page needs, or null.</summary>
    public string? Rules { get; init; }

    /// <summary>The page with its main part.</summary>
    public Page Render(Markup main, int status = 200)
    {
        // The policy names the one rule that belongs to this page by its hash; no other can stand in the document.
        var rule = Height is { } height ? $"body{{height:{height}px;overflow:auto}}" : null;
        var style = rule is null
            ? "style-src 'self'"
            : $"style-src 'self' 'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(rule)))}'";
        var before = Markup.Of(
            $"""
            <!doctype html>
            <html lang="en"{Markup.Trusted(Embedded ? " class=\"embedded\"" : "")}>
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>{Title} · GemmaScope</title>
            <link rel="icon" href="data:,">
            {Sheet("page.css")}{Sheet("frame.css")}{Sheet("microscope.css")}{Sheet("feature.css")}{Sheet("hues.css")}{(Rules is null ? Markup.Empty : Sheet(Rules))}{(Plots ? Drawing : Markup.Empty)}{(
                rule is null ? Markup.Empty : Markup.Trusted($"<style>{rule}</style>\n")
            )}{Module("microscope.js")}{Module("cards.js")}{(Script is null ? Markup.Empty : Module(Script))}</head>
            <body>

            """
        );
        var after = Markup.Of(
            $"""
            <main id="main">
            {(Embedded || !Path.Any(step => step.Address is not null) ? Markup.Empty : Way())}{main}</main>
            {(Embedded ? Markup.Empty : PageHelp.Html)}</body>
            </html>

            """
        );
        return new Page(before, after, $"{OwnFilesOnly}; {style}; frame-ancestors {(Embedded ? "*" : "'self'")}", status)
        {
            HasHeader = !Embedded,
            Section = Section,
        };
    }

    private static Markup Sheet(string name) => Markup.Of($"<link rel=\"stylesheet\" href=\"{PageAssets.Address(name)}\">\n");

    private static Markup Module(string name) =>
        Markup.Of(
            $"{PageAssets.Find(name)!.Imports.Select(address => Markup.Of($"<link rel=\"modulepreload\" href=\"{address}\">\n"))}<script type=\"module\" src=\"{PageAssets.Address(name)}\"></script>\n"
        );

    private static Markup Drawing =>
        Markup.Of(
            $"{Sheet("plots.css")}<script type=\"module\" id=\"plots\" src=\"{PageAssets.Address("plots.js")}\" data-libraries=\"{PageAssets.Address("d3.min.js")} {PageAssets.Address("plot.min.js")}\"></script>\n"
        );

    /// <summary>Within the main part, for it changes with what is shown in place.</summary>
    private Markup Way() =>
        Markup.Of(
            $"<nav class=\"way\" aria-label=\"where this is\"><ol>{Path.Select(step => Markup.Of($"<li>{Step(step)}</li>"))}</ol></nav>\n"
        );

    private static Markup Step(PageStep step)
    {
        var title = step.Title is { } whole ? Markup.Of($" title=\"{whole}\"") : Markup.Empty;
        return step.Address is { } address
            ? Markup.Of($"<a href=\"{address}\"{title}>{step.Name}</a>")
            : Markup.Of($"<span aria-current=\"page\"{title}>{step.Name}</span>");
    }
}
