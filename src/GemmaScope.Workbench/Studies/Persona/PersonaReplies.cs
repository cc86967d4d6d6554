using GemmaScope.Behaviour;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>A reply of a study of persona: to which question, under which instruction.</summary>
internal sealed record PersonaReply(int Question, AskedPrompt Prompt, int[] Reply)
{
    public ReadReply Read => ReadReply.Of(Prompt.Tokens.Ids, Reply);
}

/// <summary>Writes the replies of a study of persona, each set once.</summary>
internal sealed class PersonaReplies(
    GemmaModel model,
    InstructedPrompts prompts,
    StudyFolder folder,
    int maxTokens,
    CancellationToken cancellationToken
)
{
    private readonly int[] _stops = ChatTuning.StopTokens(model);

    /// <summary>Replies that ended before they began; the end itself stands for them.</summary>
    public int Empty { get; private set; }

    /// <summary>What the model replies to questions under an instruction.</summary>
    /// <param name="name">The name of the part.</param>
    /// <param name="instruction">The instruction; null for none.</param>
    /// <param name="questions">Questions by number.</param>
    public PersonaReply[] Of(string name, string? instruction, IReadOnlyList<(int Number, string Text)> questions)
    {
        AskedPrompt[] asked = [.. questions.Select(question => prompts.Ask($"{question.Number}", instruction, question.Text))];
        var replies = folder.Part($"replies {name}", () => Write(asked, []));
        return [.. asked.Select((prompt, i) => new PersonaReply(questions[i].Number, prompt, replies[i]))];
    }

    /// <summary>Replies to prompts under edits; one that is empty is the token that ends it, so that it can be read.</summary>
    public int[][] Write(IReadOnlyList<AskedPrompt> asked, IReadOnlyList<Edit> edits) =>
        [.. StudyReplies.Of(model, asked, edits, maxTokens, cancellationToken).Select(Readable)];

    private int[] Readable(int[] reply)
    {
        if (reply.Length > 0)
            return reply;
        Empty++;
        return [_stops[^1]];
    }
}
