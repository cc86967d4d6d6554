using GemmaScope.Models;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>Whether two models are forms of one: dictionaries of one can be read in the other, and the same ids mean the same text.</summary>
internal static class HostFit
{
    private static readonly Setting Against = new(nameof(EvaluateAgainstJobOptions.Against));

    /// <summary>Refuses models that cannot be held against each other, and names both.</summary>
    /// <exception cref="ArgumentProblemException">Layers, widths or tokens differ.</exception>
    public static void Require(GemmaModel model, string name, GemmaModel other, string otherName)
    {
        var (one, two) = (model.Config, other.Config);
        foreach (
            var (what, first, second) in (ReadOnlySpan<(string, int, int)>)
                [
                    ("layers", one.Layers, two.Layers),
                    ("numbers in its residual stream", one.Width, two.Width),
                    ("neurons in its MLPs", one.Shapes.Sum(shape => shape.MlpWidth), two.Shapes.Sum(shape => shape.MlpWidth)),
                    ("heads", one.Heads, two.Heads),
                    ("numbers in its heads", one.Shapes.Sum(shape => shape.HeadSize), two.Shapes.Sum(shape => shape.HeadSize)),
                ]
        )
            if (first != second)
                throw new ArgumentProblemException(
                    $"{otherName} has {second} {what}, and {name} has {first}: they are not forms of one model",
                    Against
                );
        if (Different(model.Tokenizer, other.Tokenizer) is { } id)
            throw new ArgumentProblemException(
                $"token {id} is '{other.Tokenizer.Piece(id)}' in {otherName} and '{model.Tokenizer.Piece(id)}' in {name}: they do not read the "
                    + "same tokens",
                Against
            );
    }

    /// <summary>The first id that both know and that means another piece. Fine-tuning gives names to tokens that were not used, and
    /// converters write runs of spaces with their visible stand-in.</summary>
    private static int? Different(Tokenizer one, Tokenizer two)
    {
        for (var id = 0; id < Math.Min(one.VocabularySize, two.VocabularySize); id++)
            if (Text(one, id) is var piece && Text(two, id) is var other && piece != other && !IsUnused(piece) && !IsUnused(other))
                return id;
        return null;

        static string Text(Tokenizer tokenizer, int id) => tokenizer.Piece(id).Replace(' ', '\u2581');
        static bool IsUnused(string piece) =>
            piece.StartsWith("<unused", StringComparison.Ordinal) || piece.StartsWith("[PAD", StringComparison.Ordinal);
    }
}
