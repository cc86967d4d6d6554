using System.Text.Json;
using GemmaScope.Files;
using GemmaScope.Safety;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="ShieldFileJob"/> judges.</summary>
public sealed record ShieldFileJobOptions
{
    /// <summary>A file of JSON lines, packed or not; null where <see cref="Rows"/> has them.</summary>
    public string? Input { get; init; }

    /// <summary>JSON lines that come from no file, of which nobody knows how many there are.</summary>
    public Stream? Rows { get; init; }

    /// <summary>The file that verdicts are appended to; rows it has a verdict on are not judged again. Null for
    /// <see cref="Lines"/>.</summary>
    public string? Output { get; init; }

    /// <summary>Where verdicts go that are written to no file, each as soon as it is there; null for nowhere.</summary>
    public TextWriter? Lines { get; init; }

    /// <summary>Bytes of a row at most; a longer one cannot be judged.</summary>
    public int LongestLine { get; init; } = TextFile.LongestLine;

    /// <summary>Names of the fields of a row.</summary>
    public LabelFields Fields { get; init; } = new();

    /// <summary>The policies asked about.</summary>
    public IReadOnlyList<ShieldPolicy> Policies { get; init; } = ShieldPolicy.Official;

    /// <summary>How they are asked.</summary>
    public ShieldOptions Asked { get; init; } = new();
}

/// <summary>What was judged in this run; rows that were in the file before do not count.</summary>
/// <param name="Rows">Rows that were read.</param>
/// <param name="Violations">Rows of which a policy is violated.</param>
/// <param name="Problems">Rows that could not be judged.</param>
public sealed record ShieldFileResult(long Rows, long Violations, long Problems);

/// <summary>
/// Judges JSON lines, a <see cref="ShieldLine"/> each. A file of verdicts grows by whole lines, each flushed, so that a killed run can be
/// given again and goes on after the last of them: what has a line is known by its name and its contents, so rows of one name are all
/// judged. A row that cannot be judged, or read, gets a line that says why.
/// </summary>
public static class ShieldFileJob
{
    /// <summary>Judges the rows of a file or a stream.</summary>
    /// <param name="microscope">The model; its dictionaries are not used.</param>
    /// <param name="options">The rows, where verdicts go, and how texts are asked about.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellationToken">Stops between layers and rows; what is written stays.</param>
    /// <exception cref="ArgumentProblemException">There are no rows, or the file holds verdicts of another model or other
    /// policies.</exception>
    /// <exception cref="GemmaScopeException">A file cannot be read or written.</exception>
    public static Task<ShieldFileResult> RunAsync(
        Microscope microscope,
        ShieldFileJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        if ((options.Input is null) == (options.Rows is null))
            throw new ArgumentProblemException("one is needed: a file, or a stream of rows", new Setting(nameof(options.Input)));
        Check(options);
        return Task.Run(
            () =>
            {
                if (ShieldJob.NoteOn(microscope.ModelName) is { } note)
                    progress.Note(note);
                using var shield = new ShieldGemma(microscope.Model);
                if (shield.TemplateOf(options.Asked).IsOfChat)
                    progress.Note(ShieldTemplate.ChatNote);
                return new ShieldFileRun(shield, microscope.ModelName, options, progress, cancellationToken).Run();
            },
            cancellationToken
        );
    }

    private static void Check(ShieldFileJobOptions options)
    {
        if (options.LongestLine < 1)
            throw new ArgumentProblemException("must be 1 byte or more", new Setting(nameof(options.LongestLine)));
        if (options.Output is { } output && Packings.Endings.Contains(Path.GetExtension(output), StringComparer.OrdinalIgnoreCase))
            throw new ArgumentProblemException("verdicts are not packed; name a file that ends with .jsonl", output);
        if (
            options.Input is { } input
            && TextFile.KindOf(input) is ".csv" or ".tsv" or ".parquet" or ".json" or ".txt"
            && File.Exists(input)
        )
            throw new FileFormatException(
                "rows are judged from JSON lines: an object with a text each, in a file that ends with .jsonl",
                input
            );
    }
}

internal sealed class ShieldFileRun(
    ShieldGemma shield,
    string model,
    ShieldFileJobOptions options,
    IProgress<JobReport>? progress,
    CancellationToken cancellationToken
)
{
    private const int RowsTogether = 32;

    private readonly ShieldTemplate _template = shield.TemplateOf(options.Asked);
    private readonly string[] _wordings = [.. options.Policies.Select(policy => $"{policy.Key} {policy.Version}")];
    private long _violations,
        _problems;

    private bool Hardened => options.Asked.HardenedIn(_template);

    public ShieldFileResult Run()
    {
        var done = options.Output is null ? new WrittenRows() : Written(options.Output);
        using Stream? target = options.Output is null ? null : AppendedLines.Open(options.Output);
        long? total = options.Input is null ? null : JsonLines.Count(options.Input);
        var before = done.Count;
        var counted = progress.Counting("judging", "texts", total, before);
        var count = before;
        try
        {
            foreach (var batch in Rows().Where(row => !done.Take(row.Id, row.Row.Hash)).Chunk(RowsTogether))
            {
                cancellationToken.ThrowIfCancellationRequested();
                foreach (var line in Judge(batch))
                    Write(target, ResultJson.Line(line));
                count += batch.Length;
                counted?.Report(count);
            }
        }
        catch (OperationCanceledException) when (options.Output is not null)
        {
            progress.Note($"{count} rows are in {options.Output}; the same run goes on after them");
            throw;
        }
        if (_problems > 0)
            progress.Note(
                _problems == 1
                    ? "1 row could not be judged; its line says why"
                    : $"{_problems} rows could not be judged; their lines say why"
            );
        return new(count - before, _violations, _problems);
    }

    /// <summary>The rows with their names; a row without one is called by its number.</summary>
    private IEnumerable<(string Id, JsonRow Row)> Rows()
    {
        using var stream = options.Rows is { } open ? TextFile.Open(open, "standard input") : TextFile.Open(options.Input!);
        var number = 0;
        foreach (var row in JsonLines.Rows(stream, options.Input ?? "standard input", options.LongestLine))
        {
            number++;
            yield return (row.Name(options.Fields.Id) ?? $"{number}", row);
        }
    }

    private IEnumerable<ShieldLine> Judge((string Id, JsonRow Row)[] rows)
    {
        var (questions, problems) = (new ShieldQuestion?[rows.Length], new string?[rows.Length]);
        for (var i = 0; i < rows.Length; i++)
        {
            try
            {
                var line = rows[i].Row.Needed();
                _ = options.Fields.IdOf(line);
                var (prompt, response) = (options.Fields.TextOf(line), line.Text(options.Fields.Response));
                questions[i] = shield.Prepare(prompt, response, options.Policies, options.Asked);
            }
            catch (GemmaScopeException problem)
            {
                problems[i] = problem is FileFormatException ? problem.Message : $"line {rows[i].Row.Line}: {problem.Message}";
            }
        }
        var verdicts = new Queue<ShieldVerdict>(shield.Score([.. questions.OfType<ShieldQuestion>()], cancellationToken));
        for (var i = 0; i < rows.Length; i++)
        {
            var verdict = questions[i] is null ? null : verdicts.Dequeue();
            if (verdict is null)
                _problems++;
            else if (verdict.IsViolated)
                _violations++;
            yield return new(rows[i].Id, model, _template.Name, Hardened, problems[i])
            {
                NotShieldGemma = _template.IsOfChat,
                Row = rows[i].Row.Hash,
                Verdict = verdict is null ? null : Members(TextVerdict.Of(verdict)),
            };
        }
    }

    private static Dictionary<string, JsonElement> Members(TextVerdict verdict) =>
        JsonSerializer.SerializeToElement(verdict, ResultJson.Compact).EnumerateObject().ToDictionary(one => one.Name, one => one.Value);

    private void Write(Stream? target, string line)
    {
        if (target is null)
        {
            options.Lines?.Write(line + "\n");
            options.Lines?.Flush();
            return;
        }
        AppendedLines.Append(target, line);
    }

    /// <summary>The rows that are in the file already; they must come from the same questions.</summary>
    private WrittenRows Written(string output)
    {
        var written = new WrittenRows();
        foreach (var line in AppendedLines.Read(output))
        {
            var same =
                line.Text("model") == model
                && line.Text("template") == _template.Name
                && line.Flag("hardened") == Hardened
                && (
                    line.Has("error")
                    || line.Objects("policies").Select(score => $"{score.Text("policy")} {score.Text("version")}").SequenceEqual(_wordings)
                );
            if (!same)
                throw new ArgumentProblemException(
                    "holds verdicts of another model, template or other policies; give another name",
                    output
                );
            written.Add(line.Text("id") ?? throw line.Missing("id"), line.Text("row"));
        }
        return written;
    }
}

/// <summary>The rows that have a line already, each to be found once. Lines of older versions have no hash and stand for any row of their
/// name.</summary>
internal sealed class WrittenRows
{
    private readonly Dictionary<(string Id, string? Hash), int> _rows = [];

    public long Count { get; private set; }

    public void Add(string id, string? hash)
    {
        _rows[(id, hash)] = _rows.GetValueOrDefault((id, hash)) + 1;
        Count++;
    }

    /// <summary>Whether a row was there and not yet found.</summary>
    public bool Take(string id, string hash)
    {
        foreach (var key in ((string, string?)[])[(id, hash), (id, null)])
            if (_rows.GetValueOrDefault(key) is > 0 and var left)
            {
                _rows[key] = left - 1;
                return true;
            }
        return false;
    }
}
