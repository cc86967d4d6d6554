using GemmaScope.Models;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>Whether a model was tuned to take turns, as its files say it. A base model just goes on writing.</summary>
public static class ChatTuning
{
    /// <summary>What the user of another model should know.</summary>
    public const string Missing = "this model was not tuned to chat; it continues the conversation as a text, often without sense.";

    private const string TurnEnd = "<end_of_turn>";

    /// <summary>What its user should know before a conversation begins.</summary>
    /// <exception cref="GemmaScopeException">The model's own chat template cannot be used.</exception>
    public static IEnumerable<string> Notes(GemmaModel model)
    {
        if (!IsTuned(model))
            yield return Missing;
        if (model.ChatTemplate is { IsModelsOwn: true } template)
            yield return $"the model's own chat template in {template.Name} is used; it writes other turns than "
                + $"{model.Config.Family}'s known one.";
    }

    /// <summary>Yes if the end of a turn is among the tokens that end its texts, or a chat template that writes messages lies in its
    /// folder.</summary>
    /// <exception cref="FileFormatException">The file of the template is damaged.</exception>
    public static bool IsTuned(GemmaModel model) =>
        (model.Tokenizer.Id(TurnEnd) is { } end && model.Config.EosIds.Contains(end)) || model.HasChatTemplate;

    /// <summary>What ends the model's turn: its end tokens, and the end of a turn even where it does not list that.</summary>
    public static int[] StopTokens(GemmaModel model) =>
        model.Tokenizer.Id(TurnEnd) is { } end ? [.. model.Config.EosIds, end] : [.. model.Config.EosIds];
}
