using System.Text.Encodings.Web;
using System.Text.Unicode;

namespace GemmaScope.Cli.Output;

/// <summary>What the self-contained pages share: no script, no outside resource.</summary>
internal static class Html
{
    private static readonly HtmlEncoder Encoder = HtmlEncoder.Create(UnicodeRanges.All);

    public static string Encode(string text) => Encoder.Encode(text);

    /// <summary>The style sheet of all pages.</summary>
    public static string Style()
    {
        using var stream = typeof(Html).Assembly.GetManifestResourceStream("AnalysisPage.css")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
