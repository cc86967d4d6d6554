using GemmaScope.Models;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>Questions under an instruction, where the model's template has a place for one: as a system message where it takes one (Gemma 3
/// writes it into the user's turn itself), else at the beginning of the user's turn, as Gemma 2 has no such role.</summary>
internal sealed class InstructedPrompts
{
    private readonly GemmaModel _model;

    public InstructedPrompts(GemmaModel model)
    {
        _model = model;
        TakesSystem = Takes(model);
    }

    /// <summary>Whether the template takes a system message.</summary>
    public bool TakesSystem { get; }

    /// <summary>A conversation of a question.</summary>
    public IReadOnlyList<ChatMessage> Messages(string? instruction, string question) =>
        string.IsNullOrEmpty(instruction) ? [new("user", question)]
        : TakesSystem ? [new("system", instruction), new("user", question)]
        : [new("user", $"{instruction}\n\n{question}")];

    /// <summary>The same as token ids, up to where the reply begins.</summary>
    public AskedPrompt Ask(string id, string? instruction, string question)
    {
        var messages = Messages(instruction, question);
        return new(new(id, messages), ChatTokens.Of(_model.ChatTemplate, _model.Tokenizer, messages));
    }

    private static bool Takes(GemmaModel model)
    {
        try
        {
            model.ChatTemplate.Render([new("system", "a"), new("user", "b")], addGenerationPrompt: true);
            return true;
        }
        catch (ArgumentProblemException)
        {
            return false;
        }
    }
}
