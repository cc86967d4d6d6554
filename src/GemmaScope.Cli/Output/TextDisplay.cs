using System.Globalization;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Output;

/// <summary>Prints a text while a job writes it; what else the job says goes elsewhere.</summary>
/// <param name="writer">Gets the text.</param>
/// <param name="others">Gets all other reports.</param>
internal sealed class TextDisplay(TextWriter writer, IProgress<JobReport> others) : IProgress<JobReport>
{
    /// <inheritdoc/>
    public void Report(JobReport value)
    {
        if (value is JobText piece)
            Write(piece.Text);
        else
            others.Report(value);
    }

    /// <summary>Prints an answer as it comes.</summary>
    public static void Write(Continuation text, TextWriter writer)
    {
        while (text.Next() is { } piece)
        {
            if (piece.Length == 0)
                continue;
            writer.Write(piece);
            writer.Flush();
        }
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

    private void Write(string text)
    {
        writer.Write(text);
        writer.Flush();
    }
}
