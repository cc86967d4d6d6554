using GemmaScope.Models;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>Whether a model was tuned to take turns, as its files say it. A base model just goes on writing.</summary>
public static class ChatTuning
{
    /// <summary>What the user of another model should know.</summary>
    public const string Missing = "this model was not tuned to chat; it continues the conversation as a text, often without sense.";

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
    public static bool IsTuned(GemmaModel model) => TurnEnds(model).Any(model.Config.EosIds.Contains) || model.HasChatTemplate;

    /// <summary>What ends the model's turn: its end tokens, and the end of a turn even where it does not list that.</summary>
    public static int[] StopTokens(GemmaModel model) => [.. model.Config.EosIds, .. TurnEnds(model)];

    /// <summary>What takes thoughts apart from the answer while a model writes; null where its vocabulary has no mark for them.</summary>
    /// <param name="model">The model.</param>
    /// <param name="startsThinking">Whether the prompt has opened the thoughts.</param>
    public static ThinkingSplitter? Splitter(GemmaModel model, bool startsThinking = false) =>
        model.Tokenizer.Id(ThinkingSplitter.Channel) is null ? null : new(startsThinking);

    /// <summary>What takes calls of tools apart from the answer while a model writes; null where its vocabulary has no mark for
    /// them.</summary>
    /// <param name="model">The model.</param>
    public static ToolCallSplitter? CallSplitter(GemmaModel model) => model.Tokenizer.Id(ToolCallSplitter.Begin) is null ? null : new();

    /// <summary>The whole of what a model has said, its thoughts and its calls of tools apart.</summary>
    internal static ChatMessage Said(GemmaModel model, string text)
    {
        var (thinking, answer) = Splitter(model) is null ? new("", text) : ThinkingSplitter.Split(text);
        var (said, calls) = CallSplitter(model) is null ? (answer, []) : ToolCallSplitter.Split(answer);
        return new("assistant", said) { Reasoning = thinking.Length > 0 ? thinking : null, ToolCalls = calls };
    }

    private static IEnumerable<int> TurnEnds(GemmaModel model) => ControlTokens.TurnEnds.Select(model.Tokenizer.Id).OfType<int>();
}
