using System.Text;
using System.Text.RegularExpressions;

namespace GemmaScope.Files;

/// <summary>
/// What is often found in place of a file of weights: the pointer that Git LFS leaves where the file itself was not fetched, and the web
/// page that a browser or a script saved instead of the download.
/// </summary>
internal static partial class FileStandIn
{
    private const int Head = 512;

    private static ReadOnlySpan<byte> Lfs => "version https://git-lfs"u8;

    /// <summary>Refuses a stand-in by what it is.</summary>
    /// <param name="head">The first bytes of the file; a few hundred are enough.</param>
    /// <param name="path">The file.</param>
    /// <exception cref="FileFormatException">It is a pointer of Git LFS, or a web page.</exception>
    public static void Refuse(ReadOnlySpan<byte> head, string path)
    {
        if (Described(head) is { } found)
            throw new FileFormatException(found, path);
    }

    /// <summary>What stands in, with its cure, or null.</summary>
    public static string? Described(ReadOnlySpan<byte> head)
    {
        if (head.StartsWith("\uFEFF"u8))
            head = head[3..];
        if (head.StartsWith(Lfs))
            return "this is a Git LFS pointer, not the file itself; fetch it with `git lfs pull`, or download it from the hub again";
        var text = Encoding.Latin1.GetString(head[..Math.Min(head.Length, Head)]);
        return WebPage().IsMatch(text)
            ? "this is a web page (HTML), not the file; the download was answered with a page, perhaps a login: get it again"
            : null;
    }

    [GeneratedRegex(
        @"^\s*(<!--.*?-->\s*|<\?xml[^>]*>\s*)*<(!doctype\s+html|html[\s>]|head[\s>])",
        RegexOptions.IgnoreCase | RegexOptions.Singleline
    )]
    private static partial Regex WebPage();
}
