namespace GemmaScope.Training;

/// <summary>
/// A sparsity term that acts on the activations themselves: Σ_i φ(f_i, n_i) with n_i = ‖W_dec,i‖, and its derivatives by both (METHODS
/// §2.7, §2.8).
/// </summary>
/// <param name="Term">Tanh, L1 or Lp; others cost nothing.</param>
/// <param name="Scale">c of tanh.</param>
/// <param name="Power">p of Lp.</param>
/// <param name="NormWeighted">Whether L1 is weighted with the norm.</param>
internal readonly record struct ActivationPenalty(SparsityTerm Term, double Scale, double Power, bool NormWeighted)
{
    /// <summary>Whether there is such a term.</summary>
    public bool Acts => Term is SparsityTerm.Tanh or SparsityTerm.L1 or SparsityTerm.Lp;

    /// <summary>Whether the term depends on decoder norms.</summary>
    public bool NeedsNorm => Term == SparsityTerm.Tanh || (Term == SparsityTerm.L1 && NormWeighted);

    public (double Value, double ByActivation, double ByNorm) At(double f, double norm)
    {
        switch (Term)
        {
            case SparsityTerm.Tanh:
                var t = Math.Tanh(Scale * f * norm);
                var slope = Scale * (1 - t * t);
                return (t, slope * norm, slope * f);
            case SparsityTerm.L1:
                return NormWeighted ? (f * norm, norm, f) : (f, 1, 0);
            case SparsityTerm.Lp:
                var power = Math.Pow(f, Power);
                return (power, Power * power / f, 0);
            default:
                return default;
        }
    }
}
