using System.Text;
using System.Text.RegularExpressions;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Studies;

/// <summary>
/// The main part of a report as a part of a page of ours. A report is a file, which others may have written: only elements and attributes
/// that reports have get through, none of which can run, fetch or send anything.
/// </summary>
internal static partial class ReportPart
{
    private const long LargestReport = 32L << 20;

    private static readonly HashSet<string> Elements =
    [
        .. "a b br caption code dd details div dl dt em figcaption figure h2 h3 h4 i li ol p pre section small span strong sub summary sup table tbody td th thead tr ul".Split(
            ' '
        ),
        .. "circle defs desc ellipse g line path polygon polyline rect svg text title tspan".Split(' '),
    ];

    private static readonly HashSet<string> Attributes =
    [
        .. "class id title role tabindex colspan rowspan scope open aria-label aria-hidden".Split(' '),
        .. "cx cy d dx dy fill fill-opacity font-family font-size font-weight height opacity overflow points preserveaspectratio r rx ry stroke".Split(
            ' '
        ),
        .. "stroke-dasharray stroke-opacity stroke-width text-anchor transform vector-effect viewbox width x x1 x2 y y1 y2".Split(' '),
    ];

    /// <summary>What stands in the main part of a report; null where there is none, or something else than reports have.</summary>
    /// <param name="file">The report.</param>
    public static Markup? Read(string file)
    {
        try
        {
            return new FileInfo(file).Length > LargestReport ? null : Of(File.ReadAllText(file));
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>The same of a report's text.</summary>
    public static Markup? Of(string html)
    {
        var start = html.IndexOf("<main>", StringComparison.Ordinal);
        var end = html.LastIndexOf("</main>", StringComparison.Ordinal);
        if (start < 0 || end < start)
            return null;
        var main = html[(start + "<main>".Length)..end];
        var (clean, open) = (new StringBuilder(main.Length), new Stack<string>());
        var at = 0;
        foreach (Match tag in Tag().Matches(main))
        {
            // Whatever is no tag is text; a tag that is none would show itself by its bracket.
            if (main.AsSpan(at, tag.Index - at).Contains('<'))
                return null;
            clean.Append(main, at, tag.Index - at);
            at = tag.Index + tag.Length;
            var name = tag.Groups["name"].Value.ToLowerInvariant();
            if (!Elements.Contains(name))
                return null;
            if (tag.Groups["close"].Length > 0)
            {
                if (!open.TryPop(out var opened) || opened != name)
                    return null;
                clean.Append("</").Append(name).Append('>');
                continue;
            }
            clean.Append('<').Append(tag.Groups["name"].Value);
            foreach (Match attribute in Attribute().Matches(tag.Groups["attributes"].Value))
                if (Allows(attribute.Groups["name"].Value.ToLowerInvariant(), attribute.Groups["value"].Value))
                    clean.Append(' ').Append(attribute.Value.Trim());
            var isAlone = tag.Groups["alone"].Length > 0;
            clean.Append(isAlone ? "/>" : ">");
            if (!isAlone && name != "br")
                open.Push(name);
        }
        if (main.AsSpan(at).Contains('<') || open.Count > 0)
            return null;
        return Markup.Trusted(clean.Append(main, at, main.Length - at).ToString());
    }

    private static bool Allows(string name, string value) =>
        name == "href" ? value.StartsWith('#')
        : name is "fill" or "stroke" ? !value.Contains("url", StringComparison.OrdinalIgnoreCase)
        // Places of the page around it keep their names.
        : Attributes.Contains(name);

    [GeneratedRegex(
        """<(?<close>/)?(?<name>[A-Za-z][A-Za-z0-9]*)(?<attributes>(?:\s+[A-Za-z][A-Za-z0-9:-]*(?:="[^"<>]*")?)*)\s*(?<alone>/)?>"""
    )]
    private static partial Regex Tag();

    [GeneratedRegex("""\s+(?<name>[A-Za-z][A-Za-z0-9:-]*)(?:="(?<value>[^"<>]*)")?""")]
    private static partial Regex Attribute();
}
