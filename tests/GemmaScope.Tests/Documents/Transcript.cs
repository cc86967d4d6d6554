using System.Globalization;

namespace GemmaScope.Tests.Documents;

/// <summary>
/// A command line that a page shows with what it prints: a block <c>console</c> whose lines <c>$ command</c> are followed by output.
/// A line <c>…</c> stands for any lines, <c>…</c> at a line's end for the rest of it. Numbers with decimals may differ by one in the
/// last digit shown, for kernels round differently; everything else has to be the same but for the width of gaps.
/// </summary>
internal sealed record Transcript(string Page, string Command, string[] Expected)
{
    private const string Anything = "…";

    /// <summary>Every transcript of the documentation.</summary>
    public static IReadOnlyList<Transcript> All { get; } =
    [.. MarkdownFile.All.SelectMany(page => page.Blocks.Where(block => block.Language == "console").SelectMany(block => Of(page, block)))];

    /// <summary>Null if the output is what the page shows, else what is not.</summary>
    public string? Mismatch(string output)
    {
        var lines = new Queue<string>(output.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0));
        var gap = false;
        foreach (var expected in Expected.Select(line => line.Trim()).Where(line => line.Length > 0))
        {
            if (expected == Anything)
            {
                gap = true;
                continue;
            }
            while (gap && lines.Count > 0 && !Same(expected, lines.Peek()))
                lines.Dequeue();
            if (!lines.TryDequeue(out var line))
                return $"{Page}: '{Command}' does not print '{expected}'";
            if (!Same(expected, line))
                return $"{Page}: '{Command}' prints '{line}', the page shows '{expected}'";
            gap = false;
        }
        return gap || lines.Count == 0 ? null : $"{Page}: '{Command}' prints more than the page shows: '{lines.Peek()}'";
    }

    private static IEnumerable<Transcript> Of(MarkdownFile page, CodeBlock block)
    {
        for (var i = 0; i < block.Lines.Length; )
        {
            if (!block.Lines[i].StartsWith("$ ", StringComparison.Ordinal))
                throw new InvalidDataException($"{page.Name}: a console block begins with '$ command', not '{block.Lines[i]}'");
            var command = block.Lines[i][2..].Trim();
            var output = block.Lines.Skip(++i).TakeWhile(line => !line.StartsWith("$ ", StringComparison.Ordinal)).ToArray();
            i += output.Length;
            yield return new(page.Name, command, output);
        }
    }

    private static bool Same(string expected, string actual)
    {
        string[] wanted = Words(expected),
            found = Words(actual);
        if (wanted is [.., Anything] && found.Length >= wanted.Length - 1)
            (wanted, found) = (wanted[..^1], found[..(wanted.Length - 1)]);
        return wanted.Length == found.Length && wanted.Zip(found).All(pair => SameWord(pair.First, pair.Second));
    }

    private static string[] Words(string line) => line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);

    private static bool SameWord(string expected, string actual)
    {
        if (expected == actual)
            return true;
        string bare = expected.Trim('(', ')', ',', ';'),
            other = actual.Trim('(', ')', ',', ';');
        var point = bare.IndexOf('.', StringComparison.Ordinal);
        if (point < 0 || bare.Length != other.Length)
            return false;
        return double.TryParse(bare, CultureInfo.InvariantCulture, out var wanted)
            && double.TryParse(other, CultureInfo.InvariantCulture, out var found)
            && Math.Abs(wanted - found) < 1.01 * Math.Pow(10, point + 1 - bare.Length);
    }
}
