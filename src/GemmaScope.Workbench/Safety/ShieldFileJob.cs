using System.Text;
using System.Text.Json;
using GemmaScope.Files;
using GemmaScope.Safety;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="ShieldFileJob"/> judges.</summary>
public sealed record ShieldFileJobOptions
{
    /// <summary>A file of JSON lines, plain or gzipped; null where <see cref="Rows"/> has them.</summary>
    public string? Input { get; init; }

    /// <summary>JSON lines that come from no file, of which nobody knows how many there are.</summary>
    public Stream? Rows { get; init; }

    /// <summary>The file that verdicts are appended to; rows it has a verdict on are not judged again. Null for
    /// <see cref="Lines"/>.</summary>
    public string? Output { get; init; }

    /// <summary>Where verdicts go that are written to no file, each as soon as it is there; null for nowhere.</summary>
    public TextWriter? Lines { get; init; }

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
/// given again and goes on after the last of them. A row that cannot be judged gets a line that says why.
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
        return Task.Run(
            () =>
            {
                if (ShieldJob.NoteOn(microscope.ModelName) is { } note)
                    progress.Note(note);
                using var shield = new ShieldGemma(microscope.Model);
                return new ShieldFileRun(shield, microscope.ModelName, options, progress, cancellationToken).Run();
            },
            cancellationToken
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

    private readonly string[] _wordings = [.. options.Policies.Select(policy => $"{policy.Key} {policy.Version}")];
    private long _violations,
        _problems;

    public ShieldFileResult Run()
    {
        var done = options.Output is null ? [] : Written(options.Output);
        using Stream? target = options.Output is null ? null : Open(options.Output);
        long? total = options.Input is null ? null : JsonLines.Read(options.Input).Count();
        var counted = progress.Counting("judging", "texts", total, done.Count);
        var count = (long)done.Count;
        try
        {
            foreach (var batch in Rows().Where(row => !done.Contains(row.Id)).Chunk(RowsTogether))
            {
                cancellationToken.ThrowIfCancellationRequested();
                foreach (var line in Judge(batch))
                    Write(target, ResultJson.Line(line) + "\n");
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
            progress.Note($"{_problems} rows could not be judged; their lines say why");
        return new(count - done.Count, _violations, _problems);
    }

    private IEnumerable<(string Id, JsonSection Line)> Rows()
    {
        var number = 0;
        foreach (var line in options.Rows is { } stream ? JsonLines.Read(stream, "standard input") : JsonLines.Read(options.Input!))
        {
            number++;
            yield return (options.Fields.IdOf(line) ?? $"{number}", line);
        }
    }

    private IEnumerable<ShieldLine> Judge((string Id, JsonSection Line)[] rows)
    {
        var (questions, problems) = (new ShieldQuestion?[rows.Length], new string?[rows.Length]);
        for (var i = 0; i < rows.Length; i++)
        {
            try
            {
                var (prompt, response) = (options.Fields.TextOf(rows[i].Line), rows[i].Line.Text(options.Fields.Response));
                questions[i] = shield.Prepare(prompt, response, options.Policies, options.Asked);
            }
            catch (GemmaScopeException problem)
            {
                problems[i] = problem.Message;
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
            yield return new(rows[i].Id, model, options.Asked.Template.Name, options.Asked.Hardened, problems[i])
            {
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
            options.Lines?.Write(line);
            options.Lines?.Flush();
            return;
        }
        target.Write(Encoding.UTF8.GetBytes(line));
        target.Flush();
    }

    /// <summary>The rows that are in the file already; they must come from the same questions.</summary>
    private HashSet<string> Written(string output)
    {
        if (!File.Exists(output) || new FileInfo(output).Length == 0)
            return [];
        CutHalfALine(output);
        var ids = new HashSet<string>();
        foreach (var line in JsonLines.Read(output))
        {
            var same =
                line.Text("model") == model
                && line.Text("template") == options.Asked.Template.Name
                && line.Flag("hardened") == options.Asked.Hardened
                && (
                    line.Has("error")
                    || line.Objects("policies").Select(score => $"{score.Text("policy")} {score.Text("version")}").SequenceEqual(_wordings)
                );
            if (!same)
                throw new ArgumentProblemException(
                    "holds verdicts of another model, template or other policies; give another name",
                    output
                );
            ids.Add(line.Text("id") ?? throw line.Missing("id"));
        }
        return ids;
    }

    private static FileStream Open(string output)
    {
        try
        {
            return new FileStream(output, FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new GemmaScopeException($"the file cannot be written: {problem.Message}", output, problem);
        }
    }

    /// <summary>Takes away what a killed run left of its last line.</summary>
    private static void CutHalfALine(string output)
    {
        using var file = new FileStream(output, FileMode.Open, FileAccess.ReadWrite);
        var end = file.Length;
        for (; end > 0; end--)
        {
            file.Position = end - 1;
            if (file.ReadByte() == '\n')
                break;
        }
        file.SetLength(end);
    }
}
