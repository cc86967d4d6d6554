using System.Globalization;
using GemmaScope.Text;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Output;

/// <summary>Prints a text while a job writes it; what else the job says goes elsewhere, and so do a model's thoughts: into a pipe go
/// answers alone.</summary>
/// <param name="writer">Gets the text.</param>
/// <param name="thoughts">Gets what the model thinks.</param>
/// <param name="others">Gets all other reports; null for nobody.</param>
internal sealed class TextDisplay(TextWriter writer, TextWriter thoughts, IProgress<JobReport>? others = null) : IProgress<JobReport>
{
    private bool _isThinking;

    /// <inheritdoc/>
    public void Report(JobReport value)
    {
        if (value is JobText piece)
            Write(piece.Text, piece.IsThinking);
        else
            others?.Report(value);
    }

    /// <summary>Prints an answer as it comes, and ends the line.</summary>
    /// <param name="text">The answer.</param>
    /// <param name="splitter">What takes thoughts out of it; null for nothing.</param>
    /// <param name="calls">What takes calls of tools out of it, which follow as a line of JSON each; null for nothing.</param>
    public void Write(Continuation text, ThinkingSplitter? splitter, ToolCallSplitter? calls)
    {
        while (text.Next() is { } piece)
            Write(Said(splitter?.Append(piece) ?? new("", piece)));
        if (splitter is not null)
            Write(Said(splitter.Flush()));
        if (calls is not null)
            Write(calls.Flush(), isThinking: false);
        writer.WriteLine();
        foreach (var call in calls?.Calls ?? [])
            writer.WriteLine(ResultJson.Line(new CalledTool(call)));
        writer.Flush();

        ThoughtAndAnswer Said(ThoughtAndAnswer piece) => calls is null ? piece : piece with { Answer = calls.Append(piece.Answer) };
    }

    /// <summary>One line on the speed.</summary>
    public static string Speed(GenerateResult result)
    {
        var rate = double.IsNaN(result.TokensPerSecond)
            ? ""
            : string.Create(CultureInfo.InvariantCulture, $", {result.TokensPerSecond:0.0} tokens/s");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{result.Ids.Count} tokens{rate}; prompt of {result.PromptIds.Count} tokens and first token in {result.FirstTokenSeconds:0.00} s; {Format.Arithmetic(result.Arithmetic)} arithmetic, {result.Kernels}"
        );
    }

    private void Write(ThoughtAndAnswer piece)
    {
        Write(piece.Thinking, isThinking: true);
        Write(piece.Answer, isThinking: false);
    }

    private void Write(string text, bool isThinking)
    {
        if (text.Length == 0)
            return;
        if (_isThinking != isThinking)
            thoughts.Write(isThinking ? "(thinking) " : "\n");
        _isThinking = isThinking;
        var to = isThinking ? thoughts : writer;
        to.Write(text);
        to.Flush();
    }

    /// <summary>A call as a line.</summary>
    private sealed record CalledTool(ChatToolCall ToolCall);
}
