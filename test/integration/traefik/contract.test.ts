import { describeFrontServer } from '../../contract/front-server-contract.ts';
import { traefikRecipe } from '../../support/traefik-recipe.ts';

describeFrontServer('traefik', {
  programs: ['traefik'],
  minimal: traefikRecipe('minimal'),
  complete: traefikRecipe('complete'),
  traits: { passesStatusOn: true, patience: 12_000, tidiesPaths: true, http2: true, clientPort: 'handed-on' },
});
