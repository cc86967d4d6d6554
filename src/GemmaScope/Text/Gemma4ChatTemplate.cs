using System.Text;

namespace GemmaScope.Text;

/// <summary>
/// The published template of Gemma 4 IT ("canonical chat template" of July 2026): <c>&lt;bos&gt;</c>, perhaps a turn of the system, then
/// turns <c>&lt;|turn&gt;role\ntext&lt;turn|&gt;\n</c> in any order, with thoughts and calls of tools between marks of their own. Its two
/// forms differ in how a model that is not to think is kept from it: the small models (E2B, E4B) just begin, the large ones are given an
/// empty thought.
/// </summary>
internal sealed class Gemma4ChatTemplate(bool isLarge, ChatSettings settings) : ChatTemplate(isLarge ? "gemma4" : "gemma4 (small)")
{
    private const string Bos = "<bos>",
        TurnStart = "<|turn>",
        TurnStop = "<turn|>\n",
        Answered = "<|tool_response>";

    public override bool KnowsDevelopers => true;

    public override bool WritesThinking => true;

    public override ChatTemplate With(ChatSettings settings) => new Gemma4ChatTemplate(isLarge, settings);

    public override string Render(IReadOnlyList<ChatMessage> messages, bool addGenerationPrompt, SystemHandling? system = null)
    {
        if (messages.Count == 0)
            throw new ArgumentProblemException("a conversation needs at least one message");
        var text = new StringBuilder(Bos);
        var hasSystem = messages[0].Role is "system" or "developer";
        if (hasSystem || settings.Thinking || settings.Tools.Count > 0)
            WriteSystem(text, hasSystem ? messages[0] : null);
        var end = WriteTurns(text, hasSystem ? [.. messages.Skip(1)] : messages);
        if (addGenerationPrompt)
            text.Append(Opening(end));
        return text.ToString();
    }

    public override int[] Encode(
        Tokenizer tokenizer,
        IReadOnlyList<ChatMessage> messages,
        bool addGenerationPrompt,
        SystemHandling? system = null
    ) => tokenizer.EncodeMarked(Render(messages, addGenerationPrompt, system));

    private void WriteSystem(StringBuilder text, ChatMessage? message)
    {
        text.Append(TurnStart).Append("system\n");
        if (settings.Thinking)
            text.Append("<|think|>\n");
        if (message is { Parts: [{ Type: "text", Text: { } only }] })
            text.Append(PythonText.Strip(only));
        else
            foreach (var part in message?.Parts ?? [])
                text.Append(PythonText.Strip(part.Text ?? "")).Append(' ');
        foreach (var tool in settings.Tools)
            text.Append("<|tool>").Append(Gemma4Tools.Declaration(tool)).Append("<tool|>");
        text.Append(TurnStop);
    }

    /// <summary>Writes all turns, and tells how the last one ends. Answers of tools are written where the calls are.</summary>
    private TurnEnding WriteTurns(StringBuilder text, IReadOnlyList<ChatMessage> messages)
    {
        var lastUser = messages.Index().LastOrDefault(one => one.Item.Role == "user", (-1, null!)).Index;
        var (ending, previous) = (TurnEnding.Closed, "");
        foreach (var (i, message) in messages.Index())
        {
            if (message.Role == "tool")
                continue;
            var isModel = message.Role is "assistant" or "model";
            if (!isModel || previous != "assistant")
                text.Append(TurnStart).Append(isModel ? "model" : message.Role).Append('\n');
            previous = message.Role;
            if (message.Reasoning is { Length: > 0 } thought && (i > lastUser || settings.PreserveThinking && message.ToolCalls.Count > 0))
                text.Append(ThinkingSplitter.Begin).Append(thought).Append('\n').Append(ThinkingSplitter.End);
            foreach (var call in message.ToolCalls)
                text.Append(Gemma4Tools.Call(call));
            var answers = Gemma4Tools.Answers(message, messages.Skip(i + 1).TakeWhile(next => next.Role == "tool"));
            text.AppendJoin("", answers);
            var content = Content(message, isModel);
            text.Append(content);
            ending =
                answers.Count > 0 ? TurnEnding.Answered
                : message.ToolCalls.Count > 0 ? TurnEnding.Called
                : TurnEnding.Closed;
            var next = messages.Skip(i + 1).FirstOrDefault(other => other.Role != "tool")?.Role;
            if (ending == TurnEnding.Called)
                text.Append(Answered);
            else if (
                !(isModel && next == "assistant")
                && (ending == TurnEnding.Closed || PythonText.Strip(content).Length > 0 || next is not null)
            )
                text.Append(TurnStop);
        }
        return ending;
    }

    private string Opening(TurnEnding end) =>
        end switch
        {
            TurnEnding.Closed =>
                $"{TurnStart}model\n{(isLarge && !settings.Thinking ? ThinkingSplitter.Begin + ThinkingSplitter.End : "")}",
            TurnEnding.Answered when settings.Thinking => ThinkingSplitter.Begin,
            _ => "",
        };

    private static string Content(ChatMessage message, bool isModel)
    {
        var text = new StringBuilder();
        foreach (var part in message.Parts)
            text.Append(
                part.Type != "text" ? Gemma4Tools.Mark(part)
                : isModel ? WithoutThoughts(part.Text ?? "")
                : PythonText.Strip(part.Text ?? "")
            );
        return text.ToString();
    }

    /// <summary>What a model said, as later turns show it: without what stands in channels, closed or not.</summary>
    private static string WithoutThoughts(string text) =>
        PythonText.Strip(string.Concat(text.Split(ThinkingSplitter.End).Select(part => part.Split(ThinkingSplitter.Channel, 2)[0])));

    /// <summary>How the last turn ends.</summary>
    private enum TurnEnding
    {
        /// <summary>As turns do; the model's next one is opened behind it.</summary>
        Closed,

        /// <summary>With calls that no tool has answered.</summary>
        Called,

        /// <summary>With answers of tools, behind which the model goes on in its turn.</summary>
        Answered,
    }
}
