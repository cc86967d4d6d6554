namespace GemmaScope.Workbench.Html;

/// <summary>A self-contained page that is written to a file: no script, no outside resource, and a policy that forbids whatever might run
/// or be fetched.</summary>
/// <param name="Title">What it is called.</param>
/// <param name="Header">What stands below the name at the top.</param>
public sealed record ReportPage(string Title, Markup Header)
{
    /// <summary>Style of this page beside the common one, ending with a line break.</summary>
    public string Style { get; init; } = "";

    /// <summary>The whole page.</summary>
    /// <param name="main">Its main part.</param>
    /// <param name="footer">What stands below it, or nothing.</param>
    public Markup Render(Markup main, Markup footer = default) =>
        Markup.Of(
            $"""
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <title>{Title} · GemmaScope</title>
            <style>
            {Markup.Trusted(HtmlText.Style)}{Markup.Trusted(Style)}</style>
            </head>
            <body>
            <header>
            <h1><b>Gemma</b>Scope</h1>
            {Header}
            </header>
            <main>
            {main}</main>
            <footer>
            {footer}</footer>
            </body>
            </html>

            """
        );
}
