using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using GemmaScope.Files;
using GemmaScope.Text;

namespace GemmaScope.Safety;

/// <summary>A text of which is known what policies it violates.</summary>
/// <param name="Id">Its name in the file; the line's number where the file gives none.</param>
/// <param name="User">What the user wrote.</param>
/// <param name="Response">The response that is judged; null where the prompt is.</param>
/// <param name="Labels">Whether it violates a policy, by the policy's key; without those that are not known.</param>
public sealed record LabelledQuestion(string Id, string User, string? Response, IReadOnlyDictionary<string, bool> Labels)
{
    /// <summary>
    /// Whether a split that goes by the name of the row leaves it out of training: the SHA-256 of <see cref="Id"/>, read as a number, is
    /// divisible by
    /// <paramref name="divisor"/>. The demo model was never trained on rows with divisor 5.
    /// </summary>
    public bool IsHeldOut(int divisor) =>
        new BigInteger(SHA256.HashData(Encoding.UTF8.GetBytes(Id)), isUnsigned: true, isBigEndian: true) % divisor == 0;

    /// <summary>Reads JSON lines, packed or not. Public sets have rows without any label too; they come with none.</summary>
    /// <param name="file">The file.</param>
    /// <param name="fields">Names of its fields; null to know them by the forms of public sets.</param>
    /// <param name="skipped">Counts rows that cannot be read, which are then left out; null where they end the reading.</param>
    /// <exception cref="FileFormatException">The file cannot be read, a row has no text, or none a label that is known.</exception>
    public static IEnumerable<LabelledQuestion> Read(string file, LabelFields? fields = null, SkippedRows? skipped = null)
    {
        fields ??= new LabelFields();
        var (number, labelled) = (0, false);
        foreach (var row in JsonLines.Rows(file))
        {
            number++;
            var (question, problem) = Read(row, number, fields);
            if (question is not null)
            {
                labelled |= question.Labels.Count > 0;
                yield return question;
            }
            else if (skipped is not null)
                skipped.Add(skipped.Count + 1, problem!.Message);
            else
                throw new FileFormatException(problem!.Problem, problem.Location, problem, SkippedRows.Cure);
        }
        if (!labelled)
            throw new FileFormatException(
                "no row has a label that is known; say which field labels which policy (label field: POLICY=FIELD)",
                file
            );
    }

    private static (LabelledQuestion? Question, FileFormatException? Problem) Read(JsonRow row, int number, LabelFields fields)
    {
        try
        {
            var line = row.Needed();
            var name = fields.IdOf(line) ?? $"{number}";
            return (new(name, fields.TextOf(line), line.Text(fields.Response), fields.FindLabels(line)), null);
        }
        catch (FileFormatException problem)
        {
            return (null, problem);
        }
    }
}

/// <summary>Names of the fields of labelled rows.</summary>
public sealed record LabelFields
{
    /// <summary>The forms of public sets: the moderation set's letters, HateCheck, and benchmarks of harmful requests, whose membership is
    /// a coarse label.</summary>
    private static readonly (string Policy, string[] Fields)[] PublicForms =
    [
        ("SEXUAL", ["S"]),
        ("HATE", ["H", "H2", "hateful"]),
        ("HARASSMENT", ["HR"]),
        ("DANGEROUS", ["V", "V2", "SH", "harmful"]),
    ];

    /// <summary>The field of the user's text; null for text, prompt or user.</summary>
    public string? Text { get; init; }

    /// <summary>The field of a response to be judged.</summary>
    public string Response { get; init; } = "response";

    /// <summary>The field of the row's name.</summary>
    public string Id { get; init; } = "id";

    /// <summary>For each policy's key the fields that label it: violated where any says so, not violated where one of them is known and
    /// none says so. Empty: by fields that have the keys of the official policies, and by the forms of public sets.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Labels { get; init; } = new Dictionary<string, IReadOnlyList<string>>();

    private string[] TextNames => Text is null ? ["text", "prompt", "user"] : [Text];

    /// <summary>The user's text of a row.</summary>
    /// <exception cref="FileFormatException">It has none.</exception>
    public string TextOf(JsonSection line) =>
        TextNames.Select(line.Text).FirstOrDefault(text => text is not null)
        ?? throw new FileFormatException($"has no text; it is looked for under {string.Join(", ", TextNames)}", line.File);

    /// <summary>The name of a row, or null.</summary>
    public string? IdOf(JsonSection line) =>
        !line.Element.TryGetProperty(Id, out var id)
            ? null
            : id.ValueKind switch
            {
                JsonValueKind.String => id.GetString(),
                JsonValueKind.Number => JsonText.Written(id),
                JsonValueKind.Null => null,
                _ => throw line.Bad(Id, "must be a string or a number"),
            };

    internal Dictionary<string, bool> FindLabels(JsonSection line)
    {
        var labels = new Dictionary<string, bool>();
        foreach (
            var (policy, fields) in Labels.Count > 0
                ? Labels.Select(pair => (pair.Key, pair.Value))
                : PublicForms.Select(form => (form.Policy, (IReadOnlyList<string>)[form.Policy, .. form.Fields]))
        )
        {
            bool[] known = [.. fields.Select(field => Flag(line, field)).OfType<bool>()];
            if (known.Length > 0)
                labels[policy] = known.Contains(true);
        }
        return labels;
    }

    private static bool? Flag(JsonSection line, string field)
    {
        if (!line.Element.TryGetProperty(field, out var value))
            return null;
        return value.ValueKind switch
        {
            JsonValueKind.Null => null,
            // What Python writes where a table has no value.
            JsonValueKind.Number when JsonText.PythonNumber(value) is double.NaN => null,
            JsonValueKind.True or JsonValueKind.False => value.GetBoolean(),
            JsonValueKind.Number when value.TryGetDouble(out var number) && number is 0 or 1 => value.GetDouble() == 1,
            _ => throw line.Bad(field, "is a label and must be true, false, 0, 1 or null"),
        };
    }
}
