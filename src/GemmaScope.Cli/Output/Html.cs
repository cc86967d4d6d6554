using GemmaScope.Workbench.Html;

namespace GemmaScope.Cli.Output;

/// <summary>What the self-contained pages share: no script, no outside resource.</summary>
internal static class Html
{
    public static string Encode(string text) => HtmlText.Encode(text);

    /// <summary>A page up to its main part. The policy forbids whatever might run or be fetched.</summary>
    /// <param name="title">Title as text.</param>
    /// <param name="style">Style of this page beside the common one, ending with a line break.</param>
    /// <param name="header">HTML below the name at the top.</param>
    public static string Begin(string title, string style, string header) =>
        $"""
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <title>{Encode(title)} · GemmaScope</title>
            <style>
            {HtmlText.Style}{style}</style>
            </head>
            <body>
            <header>
            <h1><b>Gemma</b>Scope</h1>
            {header}
            </header>
            <main>

            """;
}
