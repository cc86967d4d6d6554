using System.Text;
using System.Text.Json;
using GemmaScope.Cli.Output;
using GemmaScope.Files;
using GemmaScope.Safety;

namespace GemmaScope.Cli;

/// <summary>
/// Judges JSON lines, a verdict a line. A file of verdicts grows by whole lines, each flushed, so that a killed run can be given again and
/// goes on after the last of them. A row that cannot be judged gets a line that says why.
/// </summary>
internal sealed class ShieldLines(
    ShieldGemma shield,
    string model,
    IReadOnlyList<ShieldPolicy> policies,
    ShieldOptions options,
    LabelFields fields,
    Session session
)
{
    private const int RowsTogether = 32;

    private readonly string[] _wordings = [.. policies.Select(policy => $"{policy.Key} {policy.Version}")];
    private int _violations,
        _problems;

    /// <summary>Judges the rows of a file, or of the standard input (-), into a file or to the standard output.</summary>
    public (int Violations, int Problems) Run(string input, string? output)
    {
        var done = output is null ? [] : Written(output);
        using Stream target = output is null ? new MemoryStream() : Open(output);
        var total = input == "-" ? (long?)null : JsonLines.Read(input).Count();
        var progress = total is { } rows ? new RateDisplay(session.Terminal, "texts", done.Count, rows) : null;
        var count = (long)done.Count;
        try
        {
            foreach (var batch in Rows(input).Where(row => !done.Contains(row.Id)).Chunk(RowsTogether))
            {
                session.Cancellation.ThrowIfCancellationRequested();
                foreach (var line in Judge(batch))
                    Write(target, output, line);
                count += batch.Length;
                progress?.Report(count);
            }
        }
        catch (OperationCanceledException) when (output is not null)
        {
            progress?.End();
            session.Terminal.Error.WriteLine($"{count} rows are in {output}; the same command goes on after them");
            throw;
        }
        progress?.End();
        if (_problems > 0)
            session.Terminal.Error.WriteLine($"{_problems} rows could not be judged; their lines say why");
        return (_violations, _problems);
    }

    private IEnumerable<(string Id, JsonSection Line)> Rows(string input)
    {
        var number = 0;
        var lines = input == "-" ? JsonLines.Read(session.Terminal.Input, "standard input") : JsonLines.Read(input);
        foreach (var line in lines)
        {
            number++;
            yield return (fields.IdOf(line) ?? $"{number}", line);
        }
    }

    private IEnumerable<string> Judge((string Id, JsonSection Line)[] rows)
    {
        var (questions, problems) = (new ShieldQuestion?[rows.Length], new string?[rows.Length]);
        for (var i = 0; i < rows.Length; i++)
        {
            try
            {
                questions[i] = shield.Prepare(fields.TextOf(rows[i].Line), rows[i].Line.Text(fields.Response), policies, options);
            }
            catch (GemmaScopeException problem)
            {
                problems[i] = problem.Message;
            }
        }
        var verdicts = new Queue<ShieldVerdict>(shield.Score([.. questions.OfType<ShieldQuestion>()], session.Cancellation));
        for (var i = 0; i < rows.Length; i++)
        {
            var verdict = questions[i] is null ? null : verdicts.Dequeue();
            if (verdict is null)
                _problems++;
            else if (verdict.IsViolated)
                _violations++;
            yield return Line(rows[i].Id, verdict, problems[i]);
        }
    }

    private string Line(string id, ShieldVerdict? verdict, string? problem) =>
        Json.Line(json =>
        {
            json.WriteString("id", id);
            ShieldJson.Setting(json, model, options);
            if (verdict is not null)
                ShieldJson.Verdict(json, verdict, verdict.Warnings);
            else
                json.WriteString("error", problem);
        });

    private void Write(Stream target, string? output, string line)
    {
        if (output is null)
        {
            session.Terminal.Out.Write(line);
            session.Terminal.Out.Flush();
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
                && line.Text("template") == options.Template.Name
                && line.Flag("hardened") == options.Hardened
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
