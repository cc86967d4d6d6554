using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using GemmaScope.Files;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>A prompt of a study.</summary>
/// <param name="Id">Its name in its file, or the number of its row.</param>
/// <param name="Messages">The conversation that the model answers, mostly a single message of a user.</param>
public sealed record StudyPrompt(string Id, IReadOnlyList<ChatMessage> Messages)
{
    private static readonly string[] TextFields = ["instruction", "prompt", "goal", "question", "text", "forbidden_prompt", "behavior"];

    /// <summary>What its last message says.</summary>
    public string Text => string.Concat(Messages[^1].Parts.Select(part => part.Text));

    /// <summary>Whether a split that goes by names leaves it out of training: the SHA-256 of the name, read as a number, is divisible. The
    /// demo model was never trained on rows with divisor 5.</summary>
    public bool IsHeldOut(int divisor) =>
        new BigInteger(SHA256.HashData(Encoding.UTF8.GetBytes(Id)), isUnsigned: true, isBigEndian: true) % divisor == 0;

    /// <summary>
    /// Reads prompts: JSON lines or a JSON list of objects with <c>instruction</c>, <c>prompt</c> or the like, or <c>messages</c>; a text
    /// with one a line; each also packed. Of rows that say whether they are <c>harmful</c> those of the other side are left out.
    /// </summary>
    /// <param name="file">The file.</param>
    /// <param name="harmful">The side that is wanted; null for any.</param>
    /// <exception cref="FileFormatException">The file cannot be read, a row holds no prompt, or no row is left.</exception>
    public static IReadOnlyList<StudyPrompt> Read(string file, bool? harmful = null)
    {
        IEnumerable<StudyPrompt?> read = TextFile.KindOf(file) switch
        {
            ".jsonl" => JsonLines.Read(file).Select((row, i) => Row(row, i + 1, harmful)),
            ".json" => JsonFile.ReadList(file).Select((row, i) => Row(row, i + 1, harmful)),
            _ => Lines(file).Select((line, i) => new StudyPrompt($"{i + 1}", [new ChatMessage("user", line)])),
        };
        StudyPrompt[] prompts = [.. read.OfType<StudyPrompt>()];
        return prompts.Length > 0
            ? prompts
            : throw new FileFormatException(
                harmful is null ? "holds no prompt" : $"holds no prompt that is {(harmful.Value ? "harmful" : "harmless")}",
                file
            );
    }

    /// <summary>Conversations of a file, with replies; those of our own where none is named.</summary>
    internal static IReadOnlyList<StudyPrompt> Conversations(string? file) =>
        file is null
            ? [.. StudyData.Rows("conversations.jsonl").Select((row, i) => Row(row, i + 1, null)).OfType<StudyPrompt>()]
            : Read(file);

    private static StudyPrompt? Row(JsonSection row, int number, bool? harmful)
    {
        if (harmful is not null && row.Element.TryGetProperty("harmful", out var flag) && IsOtherSide(flag, harmful.Value))
            return null;
        var id =
            row.Element.TryGetProperty("id", out var name) && name.ValueKind is JsonValueKind.String or JsonValueKind.Number
                ? name.ToString()
                : $"{number}";
        if (row.Has("messages"))
            return new(
                id,
                [
                    .. row.Objects("messages")
                        .Select(message => new ChatMessage(
                            message.Text("role") ?? throw message.Missing("role"),
                            message.Text("content") ?? throw message.Missing("content")
                        )),
                ]
            );
        var text = TextFields.Where(row.Has).Select(row.Text).FirstOrDefault();
        return string.IsNullOrWhiteSpace(text)
            ? throw new FileFormatException($"holds no prompt; it is looked for under {string.Join(", ", TextFields)}, messages", row.File)
            : new(id, [new ChatMessage("user", text)]);
    }

    private static bool IsOtherSide(JsonElement flag, bool harmful) =>
        flag.ValueKind switch
        {
            JsonValueKind.True => !harmful,
            JsonValueKind.False => harmful,
            JsonValueKind.Number => flag.TryGetDouble(out var number) && number is 0 or 1 && number == 1 != harmful,
            _ => false,
        };

    private static string[] Lines(string file) =>
        TextFile.Read(file).Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
}

/// <summary>Prompts of one side in three parts, of which each is used for one thing only: to make a direction, to choose one, to
/// measure.</summary>
/// <param name="Train">What directions are made from.</param>
/// <param name="Validation">What decides between them.</param>
/// <param name="Test">What results are measured on.</param>
public sealed record StudySplit(IReadOnlyList<StudyPrompt> Train, IReadOnlyList<StudyPrompt> Validation, IReadOnlyList<StudyPrompt> Test)
{
    // Where there are too few prompts for the wanted numbers: half, a sixth, a third.
    private const double TrainShare = 0.5,
        TestShare = 1 / 3.0;

    /// <summary>Splits prompts by a seed.</summary>
    /// <param name="prompts">The prompts; those that repeat another are left out.</param>
    /// <param name="train">Wanted at most.</param>
    /// <param name="validation">Wanted at most.</param>
    /// <param name="test">Wanted at most.</param>
    /// <param name="heldOut">The test part holds the prompts that are held out by this divisor, and no other part holds one; null: the seed
    /// decides.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="name">What the prompts are called in errors.</param>
    /// <exception cref="ArgumentProblemException">There are too few for a prompt in each part.</exception>
    public static StudySplit Of(
        IReadOnlyList<StudyPrompt> prompts,
        int train,
        int validation,
        int test,
        int? heldOut,
        int seed,
        string name
    )
    {
        var random = new Random(seed);
        StudyPrompt[] all = [.. prompts.DistinctBy(one => one.Text)];
        random.Shuffle(all);
        StudyPrompt[] tested = heldOut is { } divisor
            ? [.. all.Where(one => one.IsHeldOut(divisor)).Take(test)]
            : [.. all.Take(Math.Min(test, (int)Math.Ceiling(all.Length * TestShare)))];
        StudyPrompt[] rest = heldOut is { } held ? [.. all.Where(one => !one.IsHeldOut(held))] : all[tested.Length..];
        var learned = Math.Min(train, (int)Math.Ceiling(rest.Length * (heldOut is null ? TrainShare / (1 - TestShare) : TrainShare)));
        StudySplit split = new(rest[..learned], [.. rest.Skip(learned).Take(validation)], tested);
        return split is { Train.Count: > 0, Validation.Count: > 0, Test.Count: > 0 }
            ? split
            : throw new ArgumentProblemException(
                $"{all.Length} different prompts are too few for a part to learn from, one to choose and one to measure"
                    + (heldOut is null ? "" : $" ({tested.Length} are held out)"),
                name
            );
    }
}
