using System.Security.Cryptography;
using System.Text;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Pages;

/// <summary>A page as it is sent: the document, and the policy that belongs to it.</summary>
/// <param name="Html">The whole document.</param>
/// <param name="Policy">Its Content-Security-Policy.</param>
/// <param name="Status">The status it is answered with.</param>
internal sealed record Page(Markup Html, string Policy, int Status = 200);

/// <summary>What all pages share: head, navigation, and a policy under which nothing runs or is fetched but our own files.</summary>
internal sealed record PageFrame
{
    private const string OwnFilesOnly =
        "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'";

    /// <summary>Title of the window.</summary>
    public required string Title { get; init; }

    /// <summary>What stands between the name and the search at the top: links to the pages above this one.</summary>
    public IReadOnlyList<(string Name, string Address)> Path { get; init; } = [];

    /// <summary>What is searched for, where this page is about that.</summary>
    public string Search { get; init; } = "";

    /// <summary>Whether the server has features that can be searched and put into lists.</summary>
    public bool Library { get; init; } = true;

    /// <summary>Whether the page stands in a frame of another one: no navigation, and any site may show it.</summary>
    public bool Embedded { get; init; }

    /// <summary>Pixels that an embedded page has to do with.</summary>
    public int? Height { get; init; }

    /// <summary>Whether it has plots; only then the scripts that draw them are fetched, once a plot comes into view.</summary>
    public bool Plots { get; init; }

    /// <summary>A script that only this kind of page needs, or null.</summary>
    public string? Script { get; init; }

    /// <summary>The page with its main part.</summary>
    public Page Render(Markup main, int status = 200)
    {
        // The policy names the one rule that belongs to this page by its hash; no other can stand in the document.
        var rule = Height is { } height ? $"body{{height:{height}px;overflow:auto}}" : null;
        var style = rule is null
            ? "style-src 'self'"
            : $"style-src 'self' 'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(rule)))}'";
        var html = Markup.Of(
            $"""
            <!doctype html>
            <html lang="en"{Markup.Trusted(Embedded ? " class=\"embedded\"" : "")}>
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>{Title} · GemmaScope</title>
            <link rel="icon" href="data:,">
            <link rel="stylesheet" href="{PageAssets.Address("page.css")}">
            <link rel="stylesheet" href="{PageAssets.Address("microscope.css")}">
            <link rel="stylesheet" href="{PageAssets.Address("feature.css")}">
            {(
                Plots
                    ? Markup.Of(
                        $"<link rel=\"stylesheet\" href=\"{PageAssets.Address("plots.css")}\">\n<script type=\"module\" id=\"plots\" src=\"{PageAssets.Address("plots.js")}\" data-libraries=\"{PageAssets.Address("d3.min.js")} {PageAssets.Address("plot.min.js")}\"></script>\n"
                    )
                    : Markup.Empty
            )}{(rule is null ? Markup.Empty : Markup.Trusted($"<style>{rule}</style>\n"))}<script type="module" src="{PageAssets.Address(
                "microscope.js"
            )}"></script>
                        {(
                Script is null ? Markup.Empty : Markup.Of($"<script type=\"module\" src=\"{PageAssets.Address(Script)}\"></script>\n")
            )}</head>
            <body>
            {(Embedded ? Markup.Empty : Header())}<main id="main">
            {main}</main>
            {(Embedded ? Markup.Empty : Footer)}</body>
            </html>

            """
        );
        return new Page(html, $"{OwnFilesOnly}; {style}; frame-ancestors {(Embedded ? "*" : "'self'")}", status);
    }

    private static Markup Footer { get; } =
        Markup.Trusted(
            """
            <footer>
            <details class="keys"><summary>Keys</summary>
            <p><kbd>←</kbd> <kbd>→</kbd> the feature before and after, or the token before and after while one has the focus · <kbd>r</kbd> a random feature · <kbd>/</kbd> search · <kbd>t</kbd> the text field · <kbd>s</kbd> steering · <kbd>?</kbd> these keys</p>
            </details>
            </footer>

            """
        );

    private Markup Header() =>
        Markup.Of(
            $"""
            <a class="skip" href="#main">to the content</a>
            <header class="bar">
            <a class="name" href="/"><b>Gemma</b>Scope</a>
            <nav aria-label="path">{Path.Select(step => Markup.Of($"<a href=\"{step.Address}\">{step.Name}</a>"))}{(
                Library ? Markup.Of($"<a href=\"/lists\">lists</a>") : Markup.Empty
            )}</nav>
            {(
                Library
                    ? Markup.Of(
                        $"<form class=\"search\" action=\"/search\" role=\"search\"><input type=\"search\" name=\"q\" value=\"{HtmlText.Field(Search)}\" placeholder=\"search features\" aria-label=\"search labels, promoted words and strongest tokens\"></form>\n"
                    )
                    : Markup.Empty
            )}
            </header>

            """
        );
}
