using System.Numerics.Tensors;
using GemmaScope.Models;

namespace GemmaScope.Behaviour.Reasoning;

/// <summary>What the tokens of a prompt add to the logit of its answer, gradient times input at the embedding (METHODS §6.8).</summary>
/// <param name="Reasoning">Sum over the tokens of the reasoning.</param>
/// <param name="Rest">Sum over all other tokens but the first, which is BOS.</param>
/// <param name="Share">The reasoning's part of the sum of magnitudes; 0 where nothing adds anything.</param>
public sealed record TokenAttribution(double Reasoning, double Rest, double Share)
{
    /// <summary>Measures one prompt.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompt">Token ids up to the answer, BOS included.</param>
    /// <param name="answer">The answer's token.</param>
    /// <param name="start">The first token of the reasoning.</param>
    /// <param name="end">One past its last.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public static TokenAttribution Of(
        GemmaModel model,
        int[] prompt,
        int answer,
        int start,
        int end,
        CancellationToken cancellationToken = default
    )
    {
        var site = Site.Embed;
        using var run = model.RunDifferentiable(prompt, capture: [site], cancellationToken: cancellationToken);
        using var gradients = run.Gradients(GradientTarget.DemeanedLogit(prompt.Length - 1, answer), [site], cancellationToken);
        var (reasoning, rest, inside, all) = (0.0, 0.0, 0.0, 0.0);
        for (var row = 1; row < prompt.Length; row++)
        {
            var one = TensorPrimitives.Dot<float>(gradients[site].Row(row), run.Activations[site].Row(row));
            all += Math.Abs(one);
            if (row >= start && row < end)
                (reasoning, inside) = (reasoning + one, inside + Math.Abs(one));
            else
                rest += one;
        }
        return new(reasoning, rest, all > 0 ? inside / all : 0);
    }
}
