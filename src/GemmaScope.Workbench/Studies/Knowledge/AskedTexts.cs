using GemmaScope.Behaviour.Knowledge;
using GemmaScope.Models;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>Texts as messages of a user behind the same question, and where in the prompt they are.</summary>
internal sealed class AskedTexts
{
    /// <summary>The points that are read of a text: its last token, the mean over it, and where the answer begins.</summary>
    public static readonly string[] Points = ["last token of the text", "mean over the text", "last token of the prompt"];

    private AskedTexts(int[] kept, AskedPrompt[] prompts)
    {
        (Kept, Prompts) = (kept, prompts);
        // What all prompts begin with is the template and the question; a text begins where they part.
        var shared =
            prompts.Length < 2
                ? 0
                : prompts.Min(one =>
                    one.Tokens.Ids.AsSpan().CommonPrefixLength(prompts[0] == one ? prompts[1].Tokens.Ids : prompts[0].Tokens.Ids)
                );
        Spans =
        [
            .. prompts.Select(one => new Positions(
                Math.Clamp(shared, one.Tokens.Spans[0].Start, one.Tokens.Spans[0].End - 1),
                one.Tokens.Spans[0].End
            )),
        ];
    }

    /// <summary>Which of the texts are among them: very long ones are not.</summary>
    public int[] Kept { get; }

    /// <summary>The prompts.</summary>
    public AskedPrompt[] Prompts { get; }

    /// <summary>The tokens of each text.</summary>
    public Positions[] Spans { get; }

    /// <summary>Token ids of the prompts.</summary>
    public int[][] Ids => [.. Prompts.Ids()];

    /// <summary>Tokens of each text.</summary>
    public int[] Lengths => Array.ConvertAll(Spans, span => span.End - span.Start);

    /// <summary>The places of <see cref="Points"/> in each prompt.</summary>
    public IReadOnlyList<Positions>[] Places =>
        [
            .. Spans.Zip(
                Prompts,
                (span, prompt) => (IReadOnlyList<Positions>)[Positions.At(span.End - 1), span, Positions.At(prompt.Tokens.Ids.Length - 1)]
            ),
        ];

    /// <summary>The ids of a text alone.</summary>
    public int[] Words(int i) => Prompts[i].Tokens.Ids[Spans[i].Start..Spans[i].End];

    /// <summary>Asks about texts.</summary>
    /// <param name="model">The model.</param>
    /// <param name="question">What stands before each.</param>
    /// <param name="texts">The texts.</param>
    /// <param name="progress">Told what is left out.</param>
    public static AskedTexts Of(GemmaModel model, string question, IReadOnlyList<string> texts, IProgress<JobReport>? progress)
    {
        var asked = AskedPrompt.Ask(
            model,
            [
                .. texts.Select(
                    (text, i) => new StudyPrompt(FormattableString.Invariant($"{i}"), [new ChatMessage("user", question + text)])
                ),
            ],
            progress
        );
        return new([.. asked.Select(one => int.Parse(one.Prompt.Id, System.Globalization.CultureInfo.InvariantCulture))], [.. asked]);
    }

    /// <summary>Reads them.</summary>
    public ResidualReadings Read(
        GemmaModel model,
        LogitReader? answers,
        BatchEdits? organism,
        IProgress<long>? progress,
        CancellationToken cancellationToken
    ) => ResidualReadings.Read(model, Ids, Places, ResidualReadings.Layers(model.Config), answers, organism, progress, cancellationToken);
}
