using GemmaScope.Files;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>A conversation in which a secret is told and denied to be said, and the same one without it.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Told">The instruction, with <c>{word}</c>.</param>
/// <param name="Control">The instruction that tells no word.</param>
/// <param name="Question">What is asked then.</param>
internal sealed record SecretTemplate(string Id, string Told, string Control, string Question)
{
    private const string Place = "{word}";

    /// <summary>The instruction with a word.</summary>
    public string With(string word) => Told.Replace(Place, word, StringComparison.Ordinal);

    /// <summary>Reads templates: JSON lines with <c>told</c> (with {word}), <c>control</c> and <c>question</c>.</summary>
    /// <param name="file">The file; null for those that come along.</param>
    public static IReadOnlyList<SecretTemplate> Read(string? file)
    {
        var rows = file is null ? StudyData.Rows("secret-templates.jsonl") : [.. JsonLines.Read(file)];
        SecretTemplate[] templates = [.. rows.Select((row, i) => Of(row, i + 1))];
        return templates.Length >= 2
            ? templates
            : throw new FileFormatException(
                "holds fewer than two conversations: readouts learn from some and are measured on others",
                file
            );
    }

    private static SecretTemplate Of(JsonSection row, int number)
    {
        var told = row.Text("told") ?? throw row.Missing("told");
        if (!told.Contains(Place, StringComparison.Ordinal))
            throw row.Bad("told", $"has no {Place}");
        var control = row.Text("control") ?? throw row.Missing("control");
        return control.Contains(Place, StringComparison.Ordinal)
            ? throw row.Bad("control", $"has {Place}; it must tell no word")
            : new(row.Text("id") ?? $"{number}", told, control, row.Text("question") ?? throw row.Missing("question"));
    }
}

/// <summary>A word that may be the secret, and the token that readouts look for.</summary>
internal sealed record SecretWord(string Word, int Token)
{
    private const int Fewest = 6;

    /// <summary>Reads words, one a line; those whose first token another one has are left out.</summary>
    /// <param name="model">The model.</param>
    /// <param name="file">The file; null for those that come along.</param>
    /// <param name="progress">Told which are left out.</param>
    public static IReadOnlyList<SecretWord> Read(GemmaModel model, string? file, IProgress<JobReport>? progress)
    {
        string[] all =
        [
            .. (file is null ? StudyData.Lines("secrets.txt") : TextFile.ReadLines(file))
                .Select(line => line.Trim())
                .Where(line => line.Length > 0),
        ];
        SecretWord[] words = [.. all.Select(word => new SecretWord(word, First(model, word))).DistinctBy(one => one.Token)];
        if (all.Length - words.Length is > 0 and var left)
            progress.Note($"{left} of {all.Length} words begin with the token of another one and were left out.");
        return words.Length >= Fewest
            ? words
            : throw new ArgumentProblemException(
                $"{words.Length} words with different first tokens are too few; give at least {Fewest}",
                file ?? "words"
            );
    }

    // As it stands within a text.
    private static int First(GemmaModel model, string word) => model.Tokenizer.Encode($" {word}")[0];
}
