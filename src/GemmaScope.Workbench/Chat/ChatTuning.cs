using System.Text.Json;
using GemmaScope.Files;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>Whether a model was tuned to take turns, as its files say it. A base model just goes on writing.</summary>
public static class ChatTuning
{
    /// <summary>What the user of another model should know.</summary>
    public const string Missing = "this model was not tuned to chat; it continues the conversation as a text, often without sense.";

    private const string TurnStart = "<start_of_turn>",
        TurnEnd = "<end_of_turn>";
    private const long LongestTemplate = 1 << 20;

    /// <summary>Yes if the end of a turn is among the tokens that end its texts, or a chat template with turns lies in its
    /// folder.</summary>
    public static bool IsTuned(GemmaModel model) =>
        (model.Tokenizer.Id(TurnEnd) is { } end && model.Config.EosIds.Contains(end)) || HasTemplate(model.Folder);

    /// <summary>What ends the model's turn: its end tokens, and the end of a turn even where it does not list that.</summary>
    public static int[] StopTokens(GemmaModel model) =>
        model.Tokenizer.Id(TurnEnd) is { } end ? [.. model.Config.EosIds, end] : [.. model.Config.EosIds];

    private static bool HasTemplate(string folder)
    {
        var template = new FileInfo(Path.Combine(folder, "chat_template.jinja"));
        if (template is { Exists: true, Length: <= LongestTemplate } && TakesTurns(File.ReadAllText(template.FullName)))
            return true;
        var settings = Path.Combine(folder, "tokenizer_config.json");
        if (!File.Exists(settings))
            return false;
        try
        {
            return Templates(JsonFile.Read(settings)).Any(TakesTurns);
        }
        catch (FileFormatException)
        {
            // Nothing else reads the file, and a conversation does not depend on it.
            return false;
        }
    }

    /// <summary>One template, or a list of named ones.</summary>
    private static IEnumerable<string> Templates(JsonSection settings) =>
        !settings.Element.TryGetProperty("chat_template", out var template) ? []
        : template.ValueKind == JsonValueKind.String ? [template.GetString()!]
        : template.ValueKind == JsonValueKind.Array
            ? template
                .EnumerateArray()
                .Where(one => one.ValueKind == JsonValueKind.Object && one.TryGetProperty("template", out _))
                .Select(one => one.GetProperty("template").ToString())
        : [];

    private static bool TakesTurns(string template) => template.Contains(TurnStart, StringComparison.Ordinal);
}
