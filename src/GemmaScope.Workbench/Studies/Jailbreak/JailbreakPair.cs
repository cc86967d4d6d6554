using GemmaScope.Files;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>A wrapped request and the plain one that is in it.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Wrapper">What it was wrapped in; empty where nobody says it.</param>
/// <param name="Plain">The plain request; null where only the wrapped one is known.</param>
/// <param name="Wrapped">The wrapped request.</param>
internal sealed record JailbreakPair(string Id, string Wrapper, string? Plain, string Wrapped)
{
    private const string Place = "{request}";

    private static readonly string[] WrappedFields = ["wrapped", "jailbreak", "prompt"],
        PlainFields = ["plain", "goal", "request", "original"],
        WrapperFields = ["wrapper", "method", "attack"];

    /// <summary>What cannot lie on both sides of a split: wrapped forms of one request.</summary>
    public string Group => Plain ?? Wrapped;

    /// <summary>Reads the pairs of a study, drawn by its seed where there are more than wanted, in the order of their files.</summary>
    /// <exception cref="FileFormatException">A file cannot be read, or a row is no pair.</exception>
    public static IReadOnlyList<JailbreakPair> Read(JailbreakStudyJobOptions options)
    {
        JailbreakPair[] all =
        [
            .. options.Pairs is { } pairs ? JsonLines.Read(pairs).Select((row, i) => Row(row, i + 1)) : [],
            .. options is { Requests: { } requests, Wrappers: { } wrappers }
                ? Wrap(StudyPrompt.Read(requests), ReadWrappers(wrappers))
                : [],
        ];
        if (all.Length == 0)
            throw new FileFormatException("holds no pair", options.Pairs ?? options.Requests!);
        int[] drawn = [.. Enumerable.Range(0, all.Length)];
        new Random(options.Seed).Shuffle(drawn);
        return [.. drawn.Take(options.Limit).Order().Select(i => all[i])];
    }

    private static JailbreakPair Row(JsonSection row, int number)
    {
        string? First(string[] fields) => fields.Where(row.Has).Select(row.Text).FirstOrDefault(text => !string.IsNullOrWhiteSpace(text));
        return new(
            row.Has("id") ? row.Element.GetProperty("id").ToString() : $"{number}",
            First(WrapperFields) ?? "",
            First(PlainFields),
            First(WrappedFields)
                ?? throw new FileFormatException(
                    $"row {number} holds no wrapped request; it is looked for under {string.Join(", ", WrappedFields)}",
                    row.File
                )
        );
    }

    private static IEnumerable<JailbreakPair> Wrap(
        IReadOnlyList<StudyPrompt> requests,
        IReadOnlyList<(string Name, string Text)> wrappers
    ) =>
        requests.SelectMany(request =>
            wrappers.Select(wrapper => new JailbreakPair(
                $"{request.Id} {wrapper.Name}",
                wrapper.Name,
                request.Text,
                wrapper.Text.Replace(Place, request.Text, StringComparison.Ordinal)
            ))
        );

    private static (string Name, string Text)[] ReadWrappers(string file)
    {
        (string Name, string Text)[] read =
            TextFile.KindOf(file) == ".jsonl"
                ?
                [
                    .. JsonLines
                        .Read(file)
                        .Select(
                            (row, i) =>
                                (
                                    row.Has("id") ? row.Element.GetProperty("id").ToString() : $"{i + 1}",
                                    row.Text("wrapper") ?? throw row.Missing("wrapper")
                                )
                        ),
                ]
                :
                [
                    .. TextFile
                        .Read(file)
                        .Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                        .Select((line, i) => ($"{i + 1}", line)),
                ];
        if (read.Length == 0)
            throw new FileFormatException("holds no wrapper", file);
        return read.FirstOrDefault(one => !one.Text.Contains(Place, StringComparison.Ordinal)) is { Name: { } bad }
            ? throw new FileFormatException($"wrapper {bad} has no {Place}, where the request goes", file)
            : read;
    }
}
