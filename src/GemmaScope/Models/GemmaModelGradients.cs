using GemmaScope.Numerics;

namespace GemmaScope.Models;

public sealed partial class GemmaModel
{
    /// <summary>Runs one sequence and carries the gradient of a target back to some sites.</summary>
    /// <param name="tokens">Token ids, BOS included.</param>
    /// <param name="target">What is differentiated.</param>
    /// <param name="sites">Where, each taken as the variable; sites that come after the target get zeros. Logits are no such site.</param>
    /// <param name="mode">What the gradient flows through.</param>
    /// <param name="arithmetic">Exact or fast, forward and back; null for the process's choice.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    /// <exception cref="ArgumentProblemException">A token, site, position or vector that does not fit this model or sequence.</exception>
    public Gradients Gradients(
        int[] tokens,
        GradientTarget target,
        IEnumerable<Site> sites,
        GradientMode mode = GradientMode.Full,
        Arithmetic? arithmetic = null,
        CancellationToken cancellationToken = default
    )
    {
        var asked = sites.ToArray();
        Site[] capture = BackwardPass.IsFinal(target.Site) ? [] : [target.Site];
        var from = asked.Length == 0 ? target.Site : asked.Min();
        using var run = RunDifferentiable(tokens, mode, capture, from, target.Site, arithmetic, cancellationToken: cancellationToken);
        return run.Gradients(target, asked, cancellationToken);
    }

    /// <summary>Runs one sequence and keeps what the gradients of any number of targets need.</summary>
    /// <param name="tokens">Token ids, BOS included.</param>
    /// <param name="mode">What gradients flow through; frozen needs far less memory.</param>
    /// <param name="capture">Sites whose activations are kept in the result too; targets inside the layers need theirs.</param>
    /// <param name="from">First site whose gradient will be asked; later ones need less memory. Null: the embedding.</param>
    /// <param name="to">Last site of any target; the run computes nothing that only later ones need. Null: the final norm's output.</param>
    /// <param name="arithmetic">Exact or fast, forward and back; null for the process's choice.</param>
    /// <param name="edits">Changes made to activations on the way. Gradients at an edited site are those with respect to what the edit left
    /// there; before it they are only right where the edit adds a constant.</param>
    /// <param name="cancellationToken">Stops the run between layers.</param>
    /// <exception cref="ArgumentProblemException">A token or site that this model does not have.</exception>
    public DifferentiableRun RunDifferentiable(
        int[] tokens,
        GradientMode mode = GradientMode.Full,
        IEnumerable<Site>? capture = null,
        Site? from = null,
        Site? to = null,
        Arithmetic? arithmetic = null,
        IEnumerable<Edit>? edits = null,
        CancellationToken cancellationToken = default
    ) => new(this, _weights, _rotary, tokens, mode, capture ?? [], from, to, edits ?? [], arithmetic ?? Arithmetic, cancellationToken);

    /// <summary>Runs one sequence and makes ready to differentiate a block's output by those of earlier blocks, many dimensions at a
    /// time.</summary>
    /// <param name="tokens">Token ids, BOS included.</param>
    /// <param name="target">The block that is differentiated.</param>
    /// <param name="lowest">The first block it is differentiated by.</param>
    /// <param name="span">The positions, first and number, of both.</param>
    /// <param name="paths">What derivatives flow through.</param>
    /// <param name="workspace">Buffers.</param>
    /// <param name="arithmetic">Forward and back; null for the model's own.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    internal JacobianPass RunJacobian(
        int[] tokens,
        int target,
        int lowest,
        (int First, int Count) span,
        JacobianPaths paths,
        Workspace workspace,
        Arithmetic? arithmetic,
        CancellationToken cancellationToken
    ) => new(this, _rotary, workspace, tokens, target, lowest, span, paths, arithmetic ?? Arithmetic, cancellationToken);
}
